// popular-first in C++, with a JSON library that others keep (nlohmann/json, Debian: nlohmann-json3-dev).
//
//   g++ -O2 -std=c++17 -o popular popular.cpp
//   mincache run smoke-v1 --solver 'external[command="./popular {instance} {solution}",deterministic=true,name=popular]' ...
//
// It first reports an answer that caches nothing, so that there is one however little time is left. Then it caches,
// in each slot, what is asked for most per GB, gives A3 steps to the hits that gain most per step, and splits the
// bandwidth equally.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

using Json = nlohmann::json;
using Row = std::vector<double>;

// The whole file appears at once under its name, and never half of it.
void write(const Json& solution, const std::string& path) {
    std::ofstream(path + ".part") << solution;
    std::rename((path + ".part").c_str(), path.c_str());
}

// The order that puts the largest values first, and equal ones as they stand.
std::vector<int> descending(const Row& values) {
    std::vector<int> order(values.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return values[a] > values[b]; });
    return order;
}

int main(int count, char** arguments) {
    if (count != 3) return 2;
    const Json instance = Json::parse(std::ifstream(arguments[1]));
    const Json &models = instance["models"], &server = instance["server"];
    const auto requested = instance["trace"]["requested_model"].get<std::vector<std::vector<int>>>();
    const Row size_gb = models["size_gb"], saturation = models["steps_saturation"], worst = models["tv_worst"],
              best = models["tv_best"], per_step = models["seconds_per_step"];
    const double storage_gb = server["storage_gb"], steps = server["steps"], alpha = instance["preference_weight"];
    const size_t T = requested.size(), N = requested[0].size(), M = size_gb.size();

    std::vector<std::vector<int>> cache(T, std::vector<int>(M, 0));
    std::vector<Row> bandwidth(T, Row(N, 1.0 / N)), share(T, Row(N, 0.0));
    auto solution = [&] {
        return Json{{"format", "mincache-solution/1"}, {"instance", instance["name"]}, {"cache", cache},
                    {"bandwidth_share", bandwidth}, {"step_share", share}};
    };
    write(solution(), "cloud.json");
    std::cout << "incumbent cloud.json" << std::endl;

    for (size_t t = 0; t < T; ++t) {
        Row density(M, 0.0), worth(N, 0.0);
        for (int m : requested[t]) density[m] += 1.0;
        for (size_t m = 0; m < M; ++m) density[m] /= size_gb[m];
        double free_gb = storage_gb;
        for (int m : descending(density))
            if (density[m] > 0.0 && size_gb[m] <= free_gb) cache[t][m] = 1, free_gb -= size_gb[m];
        for (size_t n = 0; n < N; ++n) {
            const int m = requested[t][n];
            const double gain = (1 - alpha) * (worst[m] - best[m]) - alpha * per_step[m] * saturation[m];
            worth[n] = cache[t][m] ? gain / saturation[m] : 0.0;
        }
        double left = 1.0;
        for (int n : descending(worth)) {
            const double need = saturation[requested[t][n]] / steps;
            if (worth[n] > 0.0 && need <= left) share[t][n] = need, left -= need;
        }
    }
    write(solution(), arguments[2]);
}
