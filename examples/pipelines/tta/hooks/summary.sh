#!/bin/sh
# hooks/summary.sh SERVICE ENVIRONMENT VERSION: a stand-in for the page that says what was deployed. Headgate keeps the
# whole story itself (`headgate timeline`); this is the line that people read.
set -eu
printf '%s %s: %s\n' "$1" "$2" "$3" >> "${HEADGATE_VARIABLE_PLACE:?the folder of the environment}/summary.txt"
printf '{"summary":"%s runs %s in %s"}\n' "$1" "$3" "$2"
