#!/bin/sh
# hooks/retire.sh SERVICE: a stand-in for taking away what runs in a slot. Where nothing runs there is nothing to do.
set -eu
rm -f "${HEADGATE_VARIABLE_PLACE:?the folder of the environment}/$1.${HEADGATE_SLOT:-only}"
echo '{}'
