#!/bin/sh
# hooks/age-of-secrets.sh ENVIRONMENT DAYS: a stand-in for kubectl get secrets, whose annotations say when each was rotated
# last; one that is older than so many days fails. Here all of them are always new.
set -eu
printf '{"environment":"%s","days":%s,"overdue":0}\n' "$1" "$2"
