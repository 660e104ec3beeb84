#!/bin/sh
# hooks/regression.sh SERVICE SUITE: a stand-in for the regression tests against staging. A release whose version ends in
# -broken fails the end-to-end suite.
set -eu
case $HEADGATE_RELEASE_VERSION,$2 in
  *-broken,end-to-end) echo "the order cannot be paid" >&2; exit 1 ;;
esac
printf '{"suite":"%s","passed":42}\n' "$2"
