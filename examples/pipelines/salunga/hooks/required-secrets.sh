#!/bin/sh
# hooks/required-secrets.sh SERVICE ENVIRONMENT: a stand-in for asking the vault whether every secret that the service
# needs in this tenant is there. A file named missing-secrets plays a vault that lacks one. No value is ever printed.
set -eu
: "${HEADGATE_VARIABLE_TENANT:?the tenant of the environment}"
place=${HEADGATE_VARIABLE_PLACE:?the folder of the environment}
if [ -s "$place/missing-secrets" ]; then
  echo "missing in $HEADGATE_VARIABLE_TENANT: $(cat "$place/missing-secrets")" >&2
  exit 1
fi
printf '{"tenant":"%s","missing":0}\n' "$HEADGATE_VARIABLE_TENANT"
