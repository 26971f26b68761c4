#!/bin/sh
# popular-first without Python: sh and awk alone.
#
#   ./popular.sh INSTANCE SOLUTION
#
# It reads a mincache-instance/1 document and writes a mincache-solution/1 document: in each slot it caches
# what is asked for most per GB, gives A3 steps to the hits that gain most per step, and splits the
# bandwidth equally. The answer is written beside its place and moved there, so that it is whole or not there.
set -eu
awk '
function text_of(key,    rest, close_at) {  # what stands behind a key of the document
    rest = substr(json, index(json, "\"" key "\":") + length(key) + 3)
    if (rest ~ /^\[\[/) close_at = index(rest, "]]")
    else if (rest ~ /^\[/) close_at = index(rest, "]")
    else { match(rest, /[,}]/); close_at = RSTART }
    rest = substr(rest, 1, close_at - 1)
    gsub(/[][]/, "", rest)
    return rest
}
function read_array(key, array) { return split(text_of(key), array, ",") }  # row after row, from 1
function gain(m) {  # what A3 steps instead of none take off the cost (10) of a hit on model m
    return (1 - alpha) * (tv_worst[m] - tv_best[m]) - alpha * per_step[m] * saturation[m]
}
function row(list) { return (list == "" ? "" : list ",") }

{ json = json $0 }

END {
    gsub(/[ \t\r]/, "", json)
    name = text_of("name"); alpha = text_of("preference_weight") + 0
    storage = text_of("storage_gb") + 0; steps = text_of("steps") + 0
    N = read_array("user_power_w", unused); M = read_array("size_gb", size)
    T = read_array("skewness", unused); read_array("requested_model", requested)
    read_array("steps_saturation", saturation); read_array("seconds_per_step", per_step)
    read_array("tv_worst", tv_worst); read_array("tv_best", tv_best)

    for (t = 0; t < T; t++) {
        for (m = 1; m <= M; m++) { count[m] = 0; cached[m] = 0 }
        for (n = 1; n <= N; n++) count[requested[t * N + n] + 1]++

        free = storage
        for (k = 1; k <= M; k++) tried[k] = 0
        while (1) {
            best = 0
            for (m = 1; m <= M; m++)
                if (!tried[m] && count[m] > 0 && (!best || count[m] / size[m] > count[best] / size[best])) best = m
            if (!best) break
            tried[best] = 1
            if (size[best] <= free) { cached[best] = 1; free -= size[best] }
        }

        left = 1
        for (n = 1; n <= N; n++) { share[n] = 0; tried[n] = 0 }
        while (1) {
            best = 0
            for (n = 1; n <= N; n++) {
                m = requested[t * N + n] + 1
                if (tried[n] || !cached[m] || gain(m) <= 0) continue
                if (!best || gain(m) / saturation[m] > worth) { best = n; worth = gain(m) / saturation[m] }
            }
            if (!best) break
            tried[best] = 1
            need = saturation[requested[t * N + best] + 1] / steps
            if (need <= left) { share[best] = need; left -= need }
        }

        models = users = served = ""
        for (m = 1; m <= M; m++) models = row(models) cached[m]
        for (n = 1; n <= N; n++) {
            users = row(users) sprintf("%.17g", 1 / N)
            served = row(served) sprintf("%.17g", share[n])
        }
        cache_rows = row(cache_rows) "[" models "]"
        bandwidth_rows = row(bandwidth_rows) "[" users "]"
        step_rows = row(step_rows) "[" served "]"
    }
    printf "{\"format\":\"mincache-solution/1\",\"instance\":%s,", name
    printf "\"cache\":[%s],\"bandwidth_share\":[%s],\"step_share\":[%s]}\n", cache_rows, bandwidth_rows, step_rows
}' "$1" > "$2.part"
mv "$2.part" "$2"
