#!/bin/sh
# hooks/error-rate.sh ENVIRONMENT: a stand-in for asking the monitoring which share of requests failed in the last minutes;
# more than 5 % fail. Here nothing ever does.
set -eu
printf '{"environment":"%s","errorRate":0}\n' "$1"
