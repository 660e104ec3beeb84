#!/bin/sh
# hooks/backup.sh INSTANCE: keeps what runs there before it is replaced. One file an activity: a repeat writes the same
# one again.
set -eu
name=$(printf '%s' "${HEADGATE_ACTIVITY:?}" | tr '/' '-')
file=$PWD/backup-$name.json
greeter ctl --socket "${HEADGATE_VARIABLE_AGENT:?}" status "$1" > "$file.new"
mv "$file.new" "$file"
printf '{"backup":"%s","replaces":"%s"}\n' "$file" "$HEADGATE_PREVIOUS_VERSION"
