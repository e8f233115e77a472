#!/usr/bin/env bash
# Checks a running stack: crawls the sandbox's playlist in it, waits until every track is ready, and queries the API.
# Usage: deploy/smoke.sh [docker-compose.yml]; needs docker and python3. It contacts nothing outside the stack, so it
# runs without a network.
set -euo pipefail
compose=(docker compose --file "${1:-docker-compose.yml}")

echo 'smoke: asking the store without its keys'
"${compose[@]}" exec -T api python - <<'PYTHON'
from http.client import HTTPConnection

for method, target in [
    ("POST", "/_ministack/reset"),
    ("POST", "//_ministack/reset"),
    ("GET", "/_ministack/sqs/messages"),
    ("GET", "/_ministack/health"),
    ("GET", "/"),
    ("POST", "/?Action=ListQueues"),
]:
    connection = HTTPConnection("ministack", 4566, timeout=10)
    connection.request(method, target, headers={"Content-Type": "text/plain"})
    if (status := connection.getresponse().status) != 403:
        raise SystemExit(f"smoke: the store answers {method} {target} with {status}")
    connection.close()
PYTHON

echo "smoke: decoding every format with the image's own libraries"
"${compose[@]}" exec -T extractor python - <<'PYTHON'
import io

import av
import numpy as np
from soundalike.audio.decode import decode

noise = np.random.default_rng(0).normal(0, 3000, (1, 2 * 48000 * 8)).astype(np.int16)
for form, codec in [("mp3", "mp3"), ("adts", "aac"), ("ipod", "aac"), ("flac", "flac"),
                    ("ogg", "libopus"), ("webm", "libopus"), ("wav", "pcm_s16le"), ("aiff", "pcm_s16be"),
                    ("wv", "wavpack"), ("tta", "tta"), ("asf", "wmav2"), ("mp2", "mp2"), ("ac3", "ac3"),
                    ("eac3", "eac3"), ("caf", "alac"), ("w64", "pcm_s16le"), ("au", "pcm_s16be"),
                    ("voc", "pcm_s16le"), ("rm", "ac3"), ("3gp", "aac"), ("matroska", "wavpack"),
                    ("avi", "libmp3lame"), ("flv", "aac"), ("mpeg", "mp2"), ("mpegts", "mp2")]:
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=48000, layout="stereo")
        stream.bit_rate = 192000
        frame = av.AudioFrame.from_ndarray(noise, format="s16", layout="stereo")
        frame.sample_rate = 48000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    excerpt = decode(file.getvalue())
    if not 7.5 < len(excerpt.samples) / excerpt.rate < 8.5:
        raise SystemExit(f"smoke: {codec} in {form} is decoded to {len(excerpt.samples)} samples")
PYTHON

echo 'smoke: starting the sandbox, which composes its music'
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


def get(path):
    with urlopen(api + path, timeout=30) as response:
        return json.load(response)


unfinished = sorted(styles)
while True:
    tracks = [get(f"/tracks/{urn}") for urn in unfinished]
    failed = [track for track in tracks if track["state"] not in {"pending", "queued", "ready"}]
    if failed:
        sys.exit(f"smoke: {failed[0]['urn']} is {failed[0]['state']}: {failed[0]['reason']}")
    unfinished = [track["urn"] for track in tracks if track["state"] != "ready"]
    print(f"smoke: {len(styles) - len(unfinished)} of {len(styles)} tracks are ready", flush=True)
    if not unfinished:
        break
    if time.monotonic() > deadline:
        sys.exit(f"smoke: {unfinished[0]} and {len(unfinished) - 1} more tracks are still not ready")
    time.sleep(3)

# Until the indexer publishes a version, the API answers from the tail.
while (index := get("/readyz")["index"])["version"] is None:
    if time.monotonic() > deadline:
        sys.exit("smoke: the indexer has not published a version")
    time.sleep(1)
print(f"smoke: model {index['model']}, version {index['version']} with {index['tracks']} tracks, {index['tail']} newer")

same = total = 0
for urn in [next(u for u, s in styles.items() if s == style) for style in sorted(set(styles.values()))]:
    response = get(f"/recommend?track={quote(urn)}&n=10&max_per_artist=100&max_per_album=100")
    results = response["results"]
    urns = [result["urn"] for result in results]
    if len(results) < 5:
        sys.exit(f"smoke: {urn} has {len(results)} recommendations, expected at least 5")
    if urn in urns or len(set(urns)) < len(urns) or not set(urns) <= styles.keys():
        sys.exit(f"smoke: the results for {urn} contain the query, a track twice, or an unknown track: {urns}")
    alike = sum(styles[u] == styles[urn] for u in urns[:5])
    same, total = same + alike, total + 5
    print(f"smoke: {response['seeds'][0]['title']} ({styles[urn]}): {alike} of the first 5 results share the style")
per_style = len(styles) / len(set(styles.values()))
chance = (per_style - 1) / (len(styles) - 1)
print(f"smoke: passed; {same} of {total} results share the style of the query ({same / total:.0%}, chance: {chance:.0%})")
PYTHON
