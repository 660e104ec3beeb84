#!/bin/sh
# hooks/performance.sh SERVICE ENVIRONMENT VERSION: a stand-in for the performance tests, which know a release whose name says
# that it is bad.
set -eu
case "$3" in
  *bad*) echo "performance tests fail for $3" >&2; exit 1 ;;
esac
printf '{"tests":"performance","version":"%s"}\n' "$3"
