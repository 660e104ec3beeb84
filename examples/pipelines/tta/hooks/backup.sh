#!/bin/sh
# hooks/backup.sh SERVICE ENVIRONMENT: a stand-in for the dump of database and volumes. It keeps what runs, and its last
# line names the backup, which a rollback restores from. One file an activity: a repeat writes the same one again.
set -eu
place=${HEADGATE_VARIABLE_PLACE:?the folder of the environment}
file=$place/backup-$(printf '%s' "${HEADGATE_ACTIVITY:?}" | tr '/' '-')
mkdir -p "$place"
cat "$place/$1.version" > "$file.new" 2> /dev/null || : > "$file.new"
mv "$file.new" "$file"
printf '{"backup":"%s"}\n' "$file"
