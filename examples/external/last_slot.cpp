// Decides before it sees, in C++ with nlohmann/json (Debian: nlohmann-json3-dev): it caches what was asked for in the
// slot before, smallest models first.
//
//   g++ -O2 -std=c++17 -o last_slot last_slot.cpp
//   mincache run online-v1 --solver 'external[command="./last_slot",information=past,deterministic=true,name=last]' ...
//
// A line on standard input is the site, then each slot; a line on standard output is a cache before each slot is shown,
// and shares after it. `null` asks for the best shares that the cache allows.
#include <algorithm>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

using Json = nlohmann::json;

int main() {
    std::string line;
    if (!std::getline(std::cin, line)) return 2;
    const Json site = Json::parse(line);
    const std::vector<double> size_gb = site["models"]["size_gb"];
    const double storage_gb = site["server"]["storage_gb"];
    const size_t slots = site["slots"];
    std::vector<int> order(size_gb.size()), asked(size_gb.size(), 0);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return size_gb[a] < size_gb[b]; });

    for (size_t t = 0; t < slots; ++t) {
        std::vector<int> cache(size_gb.size(), 0);
        double used_gb = 0.0;
        for (int m : order)
            if (asked[m] && used_gb + size_gb[m] <= storage_gb) cache[m] = 1, used_gb += size_gb[m];
        std::cout << Json{{"cache", cache}} << std::endl;
        if (!std::getline(std::cin, line)) return 2;
        const Json slot = Json::parse(line);
        std::fill(asked.begin(), asked.end(), 0);
        for (int m : slot["requested_model"]) asked[m] = 1;
        std::cout << "null" << std::endl;
    }
}
