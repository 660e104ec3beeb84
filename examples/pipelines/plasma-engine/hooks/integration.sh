#!/bin/sh
# hooks/integration.sh SERVICE ENVIRONMENT VERSION: a stand-in for the integration tests, which know a release whose name says
# that it is bad.
set -eu
case "$3" in
  *bad*) echo "integration tests fail for $3" >&2; exit 1 ;;
esac
printf '{"tests":"integration","version":"%s"}\n' "$3"
