#!/usr/bin/env bash
# Proves a stack that is up: crawls the sandbox's playlist inside it, waits until every track is heard, asks the API.
# Usage: deploy/smoke.sh [docker-compose.yml]; needs docker and python3. Nothing outside the stack is asked, so
# it runs without a network.
set -euo pipefail
compose=(docker compose --file "${1:-docker-compose.yml}")

echo 'smoke: the sandbox starts and composes its music'
"${compose[@]}" up --detach --no-build --wait --scale sandbox=1 sandbox
playlist=$("${compose[@]}" exec -T sandbox python -c 'from soundalike.sandbox.playlists import DEMO_PLAYLIST_ID as i; print(i)')

echo "smoke: crawling $playlist"
"${compose[@]}" run --rm -T \
  -e SPOTIFY_API_URL=http://sandbox:8899/v1/ -e SPOTIFY_TOKEN_URL=http://sandbox:8899/api/token \
  -e SPOTIFY_CLIENT_ID=sandbox -e SPOTIFY_CLIENT_SECRET=sandbox \
  crawler --playlist "$playlist"

pieces=$("${compose[@]}" exec -T sandbox python -c '
from soundalike.sandbox.catalogue import pieces
for piece in pieces():
    print(f"spotify:track:{piece.spotify_id} {piece.style}")')
address=$("${compose[@]}" port api 8000)

PIECES=$pieces API=http://$address python3 - <<'PYTHON'
import json, os, sys, time
from urllib.parse import quote
from urllib.request import urlopen

styles = dict(line.split() for line in os.environ["PIECES"].splitlines())
api = os.environ["API"]
deadline = time.monotonic() + float(os.environ.get("SMOKE_PATIENCE_S", "600"))


def ask(path):
    with urlopen(api + path, timeout=30) as reply:
        return json.load(reply)


waiting = sorted(styles)
while True:
    tracks = [ask(f"/tracks/{urn}") for urn in waiting]
    lost = [track for track in tracks if track["state"] not in {"pending", "queued", "ready"}]
    if lost:
        sys.exit(f"smoke: {lost[0]['urn']} ended as {lost[0]['state']}: {lost[0]['reason']}")
    waiting = [track["urn"] for track in tracks if track["state"] != "ready"]
    print(f"smoke: {len(styles) - len(waiting)} of {len(styles)} tracks are ready", flush=True)
    if not waiting:
        break
    if time.monotonic() > deadline:
        sys.exit(f"smoke: {waiting[0]} and {len(waiting) - 1} more are still not heard")
    time.sleep(3)

# The first pieces are answered from the tail, or from a version as soon as the indexer has published one.
while (index := ask("/readyz")["index"])["version"] is None:
    if time.monotonic() > deadline:
        sys.exit("smoke: the indexer has published no version")
    time.sleep(1)
print(f"smoke: model {index['model']}, version {index['version']} with {index['tracks']} tracks, {index['tail']} newer")

same = asked = 0
for urn in [next(u for u, s in styles.items() if s == style) for style in sorted(set(styles.values()))]:
    answer = ask(f"/recommend?track={quote(urn)}&n=10&max_per_artist=100&max_per_album=100")
    results = answer["results"]
    urns = [result["urn"] for result in results]
    if len(results) < 5:
        sys.exit(f"smoke: {urn} has {len(results)} recommendations, expected at least 5")
    if urn in urns or len(set(urns)) < len(urns) or not set(urns) <= styles.keys():
        sys.exit(f"smoke: the answer for {urn} holds itself, a track twice, or a track never crawled: {urns}")
    alike = sum(styles[u] == styles[urn] for u in urns[:5])
    same, asked = same + alike, asked + 5
    print(f"smoke: {answer['seeds'][0]['title']} ({styles[urn]}): {alike} of the first 5 share the style")
per_style = len(styles) / len(set(styles.values()))
chance = (per_style - 1) / (len(styles) - 1)
print(f"smoke: passed; {same} of {asked} share the query's style ({same / asked:.0%}), chance gives {chance:.0%}")
PYTHON
