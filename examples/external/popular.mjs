// popular-first in JavaScript, for Node 18 or newer; its JSON reader is the language's own.
//
//   mincache run smoke-v1 --solver 'external[command="node ./popular.mjs {instance} {solution}",deterministic=true,name=node]' ...
//
// In each slot it caches what is asked for most per GB, gives A3 steps to the hits that gain most per step, and splits
// the bandwidth equally.
import { readFileSync, renameSync, writeFileSync } from "node:fs";

const [, , instancePath, solutionPath] = process.argv;
const instance = JSON.parse(readFileSync(instancePath, "utf8"));
const { models, server, preference_weight: alpha } = instance;
const requested = instance.trace.requested_model;

// The order that puts the largest values first, and equal ones as they stand.
const descending = (values) => [...values.keys()].sort((a, b) => values[b] - values[a]);

function cacheOf(asked) {
  const density = models.size_gb.map((gb, m) => asked.filter((one) => one === m).length / gb);
  let freeGb = server.storage_gb;
  const cached = density.map(() => 0);
  for (const m of descending(density)) {
    if (density[m] > 0 && models.size_gb[m] <= freeGb) {
      cached[m] = 1;
      freeGb -= models.size_gb[m];
    }
  }
  return cached;
}

function sharesOf(asked, cached) {
  const worth = asked.map((m) => {
    const gain =
      (1 - alpha) * (models.tv_worst[m] - models.tv_best[m]) -
      alpha * models.seconds_per_step[m] * models.steps_saturation[m];
    return cached[m] ? gain / models.steps_saturation[m] : 0;
  });
  let left = 1;
  const share = worth.map(() => 0);
  for (const n of descending(worth)) {
    const need = models.steps_saturation[asked[n]] / server.steps;
    if (worth[n] > 0 && need <= left) {
      share[n] = need;
      left -= need;
    }
  }
  return share;
}

const cache = requested.map(cacheOf);
const solution = {
  format: "mincache-solution/1",
  instance: instance.name,
  cache,
  bandwidth_share: requested.map((asked) => asked.map(() => 1 / asked.length)),
  step_share: requested.map((asked, t) => sharesOf(asked, cache[t])),
};
// The answer is written beside its place and moved there, so that it is whole or not there.
writeFileSync(`${solutionPath}.part`, JSON.stringify(solution));
renameSync(`${solutionPath}.part`, solutionPath);
