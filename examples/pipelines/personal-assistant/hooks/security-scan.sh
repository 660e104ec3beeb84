#!/bin/sh
# hooks/security-scan.sh IMAGE: a stand-in for trivy image, with the licences that are allowed. What it found is the
# gate's metrics: here nothing, ever.
set -eu
printf '{"image":"%s","metrics":{"critical":0,"high":0,"medium":0,"forbidden-licences":0}}\n' "$1"
