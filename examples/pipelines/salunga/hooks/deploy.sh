#!/bin/sh
# hooks/deploy.sh SERVICE IMAGE: a stand-in for the platform's deployment. It writes down what runs, in the slot where
# there are slots; a repeat of the same activity writes the same again.
set -eu
place=${HEADGATE_VARIABLE_PLACE:?the folder of the environment}
slot=${HEADGATE_SLOT:-only}
mkdir -p "$place"
printf '%s\n' "$HEADGATE_RELEASE_VERSION" > "$place/$1.$slot.new"
mv "$place/$1.$slot.new" "$place/$1.$slot"
[ "$slot" != only ] || echo only > "$place/$1.live"
printf '{"image":"%s","slot":"%s"}\n' "$2" "$slot"
