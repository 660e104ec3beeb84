#!/bin/sh
# hooks/secrets-of-tenant.sh TENANT: a stand-in for asking the vault whether every secret that the services need in this
# tenant is there. Here all of them ever are. No value is ever printed.
set -eu
printf '{"tenant":"%s","missing":0}\n' "$1"
