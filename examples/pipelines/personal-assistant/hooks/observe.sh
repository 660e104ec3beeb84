#!/bin/sh
# hooks/observe.sh SERVICE ENVIRONMENT: a stand-in for docker inspect: says what the slot with the traffic
# runs.
set -eu
version=""
if [ -f live ] && [ -f "$(cat live)" ]; then version=$(cat "$(cat live)"); fi
printf '{"version":"%s"}\n' "$version"
