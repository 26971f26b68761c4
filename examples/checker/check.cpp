// An independent check of mincache certificates: that no solution of an instance costs less than one says.
//
//     g++ -O2 -std=c++17 -frounding-math check.cpp -o check
//     ./check INSTANCE CERTIFICATE [SOLUTION]
//
// It shares nothing with mincache or with its own checker in Python, not even the arithmetic: intervals of
// floating-point numbers, rounded outwards. Where that decides nothing, it says no. The documents are plain JSON
// (unpack a .gz first). Exit code 0 if all holds, 1 if not, 2 if a file cannot be read.
//
// docs/decomposition.md derives why a certificate proves its bound, and says what stands in one.

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>

#include "documents.hpp"

static const double infinite = std::numeric_limits<double>::infinity();

// An interval with the true number in it. The processor rounds upwards (see main), so a sum rounded downwards is
// what its negative is, rounded upwards.
struct Interval {
    double low = 0, high = 0;
    Interval() = default;
    Interval(double exact) : low(exact), high(exact) {}
    Interval(double from, double to) : low(from), high(to) {}
};

static double sum_down(double a, double b) { return -(-a - b); }
static double product_down(double a, double b) { return -(-a * b); }

static Interval operator-(Interval a) { return {-a.high, -a.low}; }
static Interval operator+(Interval a, Interval b) { return {sum_down(a.low, b.low), a.high + b.high}; }
static Interval operator-(Interval a, Interval b) { return a + -b; }
static Interval operator*(Interval a, Interval b) {
    double low = std::min({product_down(a.low, b.low), product_down(a.low, b.high), product_down(a.high, b.low), product_down(a.high, b.high)});
    return {low, std::max({a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high})};
}
static Interval operator/(Interval a, Interval b) {
    if (!(b.low > 0)) throw Refused("a number is too close to 0 to divide by");
    return {-(-a.low / (a.low > 0 ? b.high : b.low)), a.high / (a.high > 0 ? b.low : b.high)};
}

// The natural logarithm, by the series of 2 artanh((m - 1) / (m + 1)).
static Interval log_of(double x) {
    int exponent;
    double m = std::frexp(x, &exponent);
    if (m < 0.75) m *= 2, --exponent;
    Interval z = (Interval(m) - 1) / (Interval(m) + 1), square = z * z, series = 0;
    const int terms = 16;  // |z| is 1/5 at most: what is left out is below 1e-23 of z
    for (int k = terms; k >= 0; --k) series = series * square + Interval(1) / Interval(2 * k + 1);
    const Interval left_out(-1e-22, 1e-22), ln2(0x1.62e42fefa39efp-1, 0x1.62e42fefa39f0p-1);
    return Interval(2) * z * (series + left_out) + Interval(exponent) * ln2;
}
static Interval log_of(Interval x) {
    if (!(x.low > 0) || !(x.high < infinite)) throw Refused("a logarithm has no bounds");
    return {log_of(x.low).low, log_of(x.high).high};
}

struct Problem {
    std::string name;
    Interval forgiven;  // what a limit may be passed by, relatively
    double alpha, load_s, floor, storage, steps;
    size_t slots, users, models, frame_slots, frames;
    std::vector<double> size, output, onset, worst, full, best, step_s, base_s, power;
    double up_hz, down_hz, noise, bs_power, up_bps, down_bps;
    std::vector<std::vector<double>> requested, bits, gain;
    std::vector<Interval> least;

    explicit Problem(const Value& document) : name(document.at("name").string()) {
        if (document.at("format").string() != "mincache-instance/1") throw Refused("it is no mincache-instance/1");
        bool possible = nonnegative(document.at("preference_weight"));
        possible &= known(document, "server", "storage_gb steps");
        possible &= known(document, "radio", "uplink_hz downlink_hz noise_w_per_hz bs_power_w user_power_w backhaul_up_bps backhaul_down_bps");
        possible &= known(document, "models", "size_gb output_bits steps_onset tv_worst steps_saturation tv_best seconds_per_step seconds_base");
        possible &= known(document, "trace", "channel_gain requested_model input_bits");
        possible &= known(document, "rules", "frame_slots loading_s_per_gb steps_floor");
        const Value &server = document.at("server"), &radio = document.at("radio"), &library = document.at("models");
        const Value& trace = document.at("trace");
        forgiven = Interval(1001) / Interval(1e12);
        alpha = document.at("preference_weight").real();
        storage = server.at("storage_gb").real(), steps = server.at("steps").real();
        up_hz = radio.at("uplink_hz").real(), down_hz = radio.at("downlink_hz").real();
        noise = radio.at("noise_w_per_hz").real(), bs_power = radio.at("bs_power_w").real();
        up_bps = radio.at("backhaul_up_bps").real(), down_bps = radio.at("backhaul_down_bps").real();
        power = radio.at("user_power_w").row(), users = power.size();
        size = library.at("size_gb").row(), models = size.size();
        output = library.at("output_bits").row(models), onset = library.at("steps_onset").row(models);
        worst = library.at("tv_worst").row(models), full = library.at("steps_saturation").row(models);
        best = library.at("tv_best").row(models), step_s = library.at("seconds_per_step").row(models);
        base_s = library.at("seconds_base").row(models);
        slots = trace.at("requested_model").items.size();
        requested = trace.at("requested_model").table(slots, users);
        bits = trace.at("input_bits").table(slots, users), gain = trace.at("channel_gain").table(slots, users);
        for (const auto& row : requested)
            for (double m : row)
                if (!(m >= 0 && m < double(models) && m == std::floor(m))) throw Refused("no model is asked for");
        double together = rule(document, "frame_slots", 1);
        if (!(together >= 1 && together == std::floor(together))) throw Refused("a frame is of no whole slots");
        frame_slots = size_t(std::min(together, double(slots)));
        if (!slots || !users || !frame_slots) throw Refused("the instance is empty");
        frames = (slots + frame_slots - 1) / frame_slots;
        load_s = rule(document, "loading_s_per_gb", 0), floor = rule(document, "steps_floor", 0);
        possible &= std::max(alpha, floor) <= 1;
        for (size_t m = 0; m < models; ++m) possible &= onset[m] < full[m] && best[m] <= worst[m];
        if (!possible) throw Refused("the instance has a value that no instance has");  // on which the proof rests
        for (size_t m = 0; m < models; ++m)
            least.push_back(floor > 0 ? Interval(onset[m]) + Interval(floor) * (Interval(full[m]) - onset[m]) : Interval(0));
    }

    // Seconds and quality of generating at the edge with so many steps; in the cloud they are those of A3 steps.
    Interval hit(size_t m, Interval given) const {
        Interval progress = (given - onset[m]) / (Interval(full[m]) - onset[m]);
        progress = {std::clamp(progress.low, 0.0, 1.0), std::clamp(progress.high, 0.0, 1.0)};
        Interval delay = Interval(step_s[m]) * given + base_s[m];
        Interval quality = Interval(worst[m]) + progress * (Interval(best[m]) - worst[m]);
        return Interval(alpha) * delay + (Interval(1) - alpha) * quality;
    }
    Interval cloud(size_t t, size_t n) const {
        size_t m = size_t(requested[t][n]);
        return Interval(alpha) * (Interval(bits[t][n]) / up_bps + Interval(output[m]) / down_bps) + hit(m, full[m]);
    }
    std::vector<Interval> loading(size_t k) const {
        std::vector<double> waiting(models, 0);
        for (double m : requested[k * frame_slots]) ++waiting[size_t(m)];
        std::vector<Interval> cost;
        for (size_t m = 0; m < models; ++m)
            cost.push_back(Interval(alpha) * load_s * size[m] * waiting[m]);
        return cost;
    }

private:
    static bool nonnegative(const Value& value) {
        if (value.kind == Value::number) return value.scalar >= 0;
        bool all = value.kind == Value::array;
        for (double number : value.numbers) all &= number >= 0;
        for (const Value& item : value.items) all &= nonnegative(item);
        return all;
    }
    // Refuse unknown fields of a section, which could change its costs; say whether all values that count are from 0 on.
    static bool known(const Value& document, const std::string& section, const std::string& names) {
        auto found = document.fields.find(section);
        if (found == document.fields.end()) return true;
        if (found->second.kind != Value::object) throw Refused(section + " has no fields");
        bool all = true;
        for (const auto& [name, value] : found->second.fields) {
            if (section == "trace" && (name == "skewness" || name == "popularity_order")) continue;
            if ((" " + names + " ").find(" " + name + " ") == std::string::npos) throw Refused(section + "." + name + " is not known here");
            all &= nonnegative(value);
        }
        return all;
    }
    static double rule(const Value& document, const std::string& name, double otherwise) {
        auto rules = document.fields.find("rules");
        if (rules == document.fields.end() || !rules->second.fields.count(name)) return otherwise;
        return rules->second.at(name).real();
    }
};

// The radio links of a slot.
struct Radio {
    const Problem& problem;
    const Interval ln2 = log_of(2.0);

    // Seconds to send some bits over a band, and by what fraction they fall for a fraction more of it.
    std::pair<Interval, Interval> link(double bits, double power, double gain, Interval hz) const {
        Interval u = Interval(power) * gain / (Interval(problem.noise) * hz), log = log_of(u + 1);
        log = {std::max(log.low, (u / (u + 1)).low), std::min(log.high, u.high)};  // which are closer for a small u
        return {ln2 * bits / (hz * log), Interval(1) - u / ((u + 1) * log)};
    }
    Interval download(size_t t, size_t n) const {
        double bits = problem.output[size_t(problem.requested[t][n])];
        return link(bits, problem.bs_power, problem.gain[t][n], problem.down_hz).first;
    }
    // Seconds of all uploads and downloads, at least, where bandwidth has a price instead of its limit. An upload
    // lies above each of its tangents; what the tangent and the price leave of a slope counts at its worst share.
    double least_delay_s(size_t t, double price) const {
        Interval total = -(Interval(price) * (Interval(1) + problem.forgiven));
        for (size_t n = 0; n < problem.users; ++n) {
            double share = touching(t, n, price);
            auto [upload, elasticity] = link(problem.bits[t][n], problem.power[n], problem.gain[t][n], Interval(problem.up_hz) * share);
            Interval fall = upload * elasticity / share;
            total = total + upload + fall * share + download(t, n) + std::min(sum_down(price, -fall.high), 0.0);
        }
        return total.low;
    }
    Interval delay_s(size_t t, const std::vector<double>& shares) const {
        Interval total = 0;
        for (size_t n = 0; n < problem.users; ++n)
            total = total + download(t, n) + link(problem.bits[t][n], problem.power[n], problem.gain[t][n], Interval(problem.up_hz) * shares[n]).first;
        return total;
    }
    // A share at which more of it saves about `price` seconds a unit. Any share is sound.
    double touching(size_t t, size_t n, double price) const {
        double snr = problem.power[n] * problem.gain[t][n] / problem.noise / problem.up_hz;
        double scale = std::log(2.0) * problem.bits[t][n] / problem.up_hz, low = -60, high = 0;
        for (int halving = 0; halving < 80; ++halving) {
            double middle = (low + high) / 2, share = std::exp(middle), log = std::log1p(snr / share);
            (scale * (log - snr / (share + snr)) > price * share * log * share * log ? low : high) = middle;
        }
        return std::exp(high);
    }
};

using Cache = std::vector<bool>;

// What the caches of a frame cost at least, with prices of keeping.
struct Frame {
    const Problem& problem;
    size_t slots;
    std::vector<std::vector<double>> count;  // of each slot and model
    std::vector<Interval> held, out, least, idle, fully, extra;
    Interval storage, steps;
    std::vector<size_t> items;
    double nowhere = 0;

    Frame(const Problem& of, size_t k, std::vector<Interval> keeping, const std::vector<bool>& later) : problem(of), held(std::move(keeping)) {
        size_t first = k * of.frame_slots, end = std::min(first + of.frame_slots, of.slots);
        slots = end - first;
        out.assign(of.models, 0);
        count.assign(slots, std::vector<double>(of.models, 0));
        for (size_t t = first; t < end; ++t)
            for (size_t n = 0; n < of.users; ++n) {
                size_t m = size_t(of.requested[t][n]);
                out[m] = out[m] + of.cloud(t, n), ++count[t - first][m];
            }
        Interval more = Interval(1) + of.forgiven, less = Interval(1) - of.forgiven;
        storage = more * of.storage, steps = more * of.steps;
        for (size_t m = 0; m < of.models; ++m) {
            least.push_back(of.least[m] * less), extra.push_back(Interval(of.full[m]) - least[m]);
            idle.push_back(of.hit(m, least[m])), fully.push_back(of.hit(m, of.full[m]));
            bool asked = later[m], fits = !(of.size[m] > storage.high);
            for (const auto& row : count) asked |= row[m] > 0, fits &= !((Interval(row[m]) * least[m]).low > steps.high);
            // A model that nobody asks for, here or at once in the next frame, is never worth caching.
            if (asked && fits) items.push_back(m);
            else nowhere = sum_down(nowhere, out[m].low);
        }
    }

    // What caching a model costs at least at prices of all steps of each slot and of all storage.
    double cached(size_t m, const std::vector<Interval>& prices) const {
        Interval cost = held[m] + prices[slots] * (Interval(problem.size[m]) / storage);
        for (size_t j = 0; j < slots; ++j)
            if (count[j][m] > 0) {
                Interval served = fully[m] + prices[j] * extra[m] / steps;
                double each = std::min(idle[m].low, served.low);
                cost = cost + Interval(count[j][m]) * (Interval(each) + prices[j] * least[m] / steps);
            }
        return cost.low;
    }
    bool too_large(const Cache& cache) const {
        Interval used = 0;
        for (size_t m = 0; m < cache.size(); ++m)
            if (cache[m]) used = used + problem.size[m];
        return used.low > storage.high;
    }

    // The least cost of a cache, or something from `enough` on.
    double served(const Cache& cache, double enough) const {
        if (too_large(cache)) return infinite;
        Interval cost = nowhere;
        for (size_t m : items) cost = cost + (cache[m] ? held[m] : out[m]);
        std::vector<double> saved;
        for (const auto& row : count) {
            Interval room = steps;
            for (size_t m : items)
                if (cache[m]) room = room - Interval(row[m]) * least[m], cost = cost + Interval(row[m]) * idle[m];
            if (room.high < 0) return infinite;
            saved.push_back(Sharing(*this, row, cache, room).relaxed());
        }
        for (size_t j = 0; j < slots && rest(cost.low, saved) < enough; ++j) {
            Interval room = steps;
            for (size_t m : items)
                if (cache[m]) room = room - Interval(count[j][m]) * least[m];
            saved[j] = Sharing(*this, count[j], cache, room).exact();
        }
        return rest(cost.low, saved);
    }
    static double rest(double cost, const std::vector<double>& saved) {
        for (double part : saved) cost = sum_down(cost, -part);
        return cost;
    }

    // What the steps of one slot save at most. All users but one get the least steps or A3 at an optimum, as costs
    // are concave between.
    struct Sharing {
        struct Item {
            size_t m;
            double count, gain, ratio;
        };
        const Frame& frame;
        Interval room;
        std::vector<Item> items;
        std::vector<double> chosen;
        double best = 0;

        Sharing(const Frame& of, const std::vector<double>& count, const Cache& cache, Interval left) : frame(of), room(left) {
            for (size_t m : of.items) {
                double gain = (of.idle[m] - of.fully[m]).high;
                if (cache[m] && count[m] > 0 && gain > 0) items.push_back({m, count[m], gain, gain / std::max(of.extra[m].low, 1e-300)});
            }
            std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.ratio > b.ratio; });
            chosen.assign(items.size(), 0);
        }
        double relaxed() const { return bound(0, room); }
        double exact() {
            search(0, room, 0);
            return best;
        }
        // By weak duality at the ratio of the item that the steps run out in: any ratio is sound. One user of an
        // item before, who is not served in full, may still be served in part: by convexity, fully or not at all.
        double bound(size_t i, Interval left) const {
            double taken = 0, ratio = 0;
            for (size_t at = i; at < items.size(); ++at) {
                taken += items[at].count * frame.extra[items[at].m].high;
                if (taken > left.high) {
                    ratio = items[at].ratio;
                    break;
                }
            }
            Interval total = Interval(ratio) * std::max(left.high, 0.0);
            for (size_t at = i; at < items.size(); ++at) {
                Interval over = Interval(items[at].gain) - Interval(ratio) * frame.extra[items[at].m];
                if (over.high > 0) total = total + Interval(items[at].count) * over.high;
            }
            double in_part = 0;
            for (size_t at = 0; at < i; ++at)
                if (chosen[at] < items[at].count)
                    in_part = std::max(in_part, (Interval(items[at].gain) - Interval(ratio) * frame.extra[items[at].m]).high);
            return (total + in_part).high;
        }
        void search(size_t i, Interval left, double total) {
            if (i == items.size()) {
                double part = 0;
                for (size_t at = 0; at < items.size(); ++at)
                    if (chosen[at] < items[at].count) part = std::max(part, in_part(items[at].m, left));
                best = std::max(best, total + part);
                return;
            }
            if (total + bound(i, left) <= best) return;
            const Item& item = items[i];
            double most = item.count;
            while (most > 0 && (Interval(most) * frame.extra[item.m]).low > left.high) --most;
            for (double number = most; number >= 0; --number) {
                chosen[i] = number;
                search(i + 1, left - Interval(number) * frame.extra[item.m], total + number * item.gain);
            }
        }
        double in_part(size_t m, Interval left) const {
            Interval given = frame.least[m] + Interval(std::max(left.low, 0.0), std::max(left.high, 0.0));
            double full = frame.problem.full[m];
            given = {std::min(given.low, full), std::min(given.high, full)};
            return (frame.idle[m] - frame.problem.hit(m, given)).high;
        }
    };
};

using Listed = std::map<Cache, double>;

// Walk a frame's tree; return what every cache that it does not pass over costs at least.
class Walk {
public:
    Walk(const Frame& of, const Value& proof) : frame(of), moves(proof.at("moves").whole_row()), prices(proof.at("prices").whole_row()) {
        cut = proof.at("cut").real(), grid = proof.at("grid").real();
        if (!(grid > 0) || !proof.at("grid").whole || !std::isfinite(cut)) throw Refused("a cut or grid is none");
        open.assign(of.problem.models, false);
        for (size_t m : of.items) open[m] = true;
    }
    double cut;

    Listed caches() {
        node(Cache(open.size(), false), open);
        if (move_at != moves.size() || price_at != prices.size()) throw Refused("something comes after the end of a tree");
        return std::move(found);
    }

private:
    enum Move { full, leaf, split, closed, fixed, too_large };
    const Frame& frame;
    const std::vector<double>&moves, &prices;
    double grid;
    std::vector<bool> open;
    size_t move_at = 0, price_at = 0;
    Listed found;

    double next() {
        if (move_at == moves.size()) throw Refused("a tree ends too early");
        return moves[move_at++];
    }
    // A model, and whether it is taken in; a model left out is written as the complement of its index.
    std::pair<size_t, bool> model(const std::vector<bool>& undecided) {
        double code = next();
        double m = code >= 0 ? code : -code - 1;
        if (!(m < double(undecided.size())) || m != std::floor(m) || !undecided[size_t(m)]) throw Refused("a model is decided, but not open");
        return {size_t(m), code >= 0};
    }
    // What all caches of a node cost at least at the next prices, and what each model costs cached.
    double at_prices(const Cache& inside, const std::vector<bool>& undecided, std::vector<double>& cached) {
        std::vector<Interval> point;
        Interval paid = 0;
        for (size_t j = 0; j <= frame.slots; ++j, ++price_at) {
            if (price_at == prices.size()) throw Refused("prices end too early");
            double price = prices[price_at];
            if (!(price >= 0)) throw Refused("a price is below 0");
            point.push_back(Interval(price) / grid), paid = paid + point.back();
        }
        double total = sum_down(frame.nowhere, -paid.high);
        cached.assign(open.size(), 0);
        for (size_t m : frame.items) {
            cached[m] = frame.cached(m, point);
            total = sum_down(total, least_of(m, inside, undecided, cached[m]));
        }
        return total;
    }
    double least_of(size_t m, const Cache& inside, const std::vector<bool>& undecided, double cached) const {
        double out = frame.out[m].low;
        return inside[m] ? cached : undecided[m] ? std::min(cached, out) : out;
    }
    void node(Cache inside, std::vector<bool> undecided) {
        for (;;) {
            double move = next();
            std::vector<double> cached;
            if (move == fixed || move == too_large) {
                double number = next();
                size_t start = move_at;
                double total = 0;
                if (move == fixed) total = at_prices(inside, undecided, cached);
                const Cache before = inside;
                const std::vector<bool> free = undecided;
                for (move_at = start; number > 0; --number) {
                    auto [m, in] = model(undecided);
                    if (move == too_large) {
                        Cache with = before;
                        with[m] = true;
                        if (in || !frame.too_large(with)) throw Refused("a model fits, against what a tree says");
                    } else {
                        double other = in ? frame.out[m].low : cached[m];
                        double lifted = sum_down(sum_down(total, -least_of(m, before, free, cached[m])), other);
                        if (!(lifted >= cut)) throw Refused("a model is fixed without proof");
                    }
                    inside[m] = in, undecided[m] = false;
                }
            } else if (move == full) {
                if (!frame.too_large(inside)) throw Refused("a cache fits, against what a tree says");
                return;
            } else if (move == closed) {
                if (!(at_prices(inside, undecided, cached) >= cut)) throw Refused("prices show less than the cut");
                return;
            } else if (move == leaf) {
                if (std::find(undecided.begin(), undecided.end(), true) != undecided.end()) throw Refused("a leaf leaves models open");
                double cost = frame.served(inside, cut);
                if (!(cost >= cut)) found[inside] = cost;
                return;
            } else if (move == split) {
                auto [m, in] = model(undecided);
                undecided[m] = false;
                Cache with = inside, &first = in ? with : inside;
                with[m] = true;
                node(first, undecided);
                inside[m] = !in;
            } else {
                throw Refused("a tree has a move that is none");
            }
        }
    }
};

// The least cost of any course of caches. One that is not listed costs its frame's cut, and going to or from it nothing.
static double cheapest(const std::vector<Listed>& lists, const std::vector<double>& cuts, const std::vector<std::vector<double>>& price,
                       const std::vector<std::vector<Interval>>& load) {
    size_t models = load[0].size();
    std::vector<std::pair<double, Cache>> label = {{0.0, Cache(models, false)}};  // the cheapest first
    double unlisted = infinite;
    for (size_t k = 0; k < lists.size(); ++k) {
        std::vector<double> entering(models);
        for (size_t m = 0; m < models; ++m) entering[m] = sum_down(load[k][m].low, -price[k][m]);
        std::vector<std::pair<double, Cache>> reached;
        double next = sum_down(cuts[k], label.empty() ? unlisted : std::min(unlisted, label[0].first));
        for (const auto& [cache, cost] : lists[k]) {
            double best = unlisted;
            for (const auto& [so_far, before] : label) {
                if (so_far >= best) break;
                double value = so_far;
                for (size_t m = 0; m < models && value < best; ++m)
                    if (cache[m] != before[m]) value = sum_down(value, cache[m] ? entering[m] : price[k][m]);
                best = std::min(best, value);
            }
            best = sum_down(best, cost);
            if (best < next) reached.emplace_back(best, cache);
        }
        std::sort(reached.begin(), reached.end());
        label = std::move(reached), unlisted = next;
    }
    return label.empty() ? unlisted : std::min(unlisted, label[0].first);
}

// What no feasible solution costs less than, by the proof alone.
static double proven(const Problem& problem, const Value& claim) {
    std::vector<std::vector<Interval>> load;
    std::vector<std::vector<double>> price, keeping(problem.frames - 1, std::vector<double>(problem.models, 0));
    const Value& rows = claim.at("keeping");
    if (rows.kind != Value::array) throw Refused("prices of keeping are missing");
    if (!rows.items.empty() || !rows.numbers.empty()) keeping = rows.table(problem.frames - 1, problem.models);
    for (size_t k = 0; k < problem.frames; ++k) {
        load.push_back(problem.loading(k));
        std::vector<double> row;
        for (size_t m = 0; m < problem.models; ++m) {  // more than loading costs is no price; cut down to that, it is
            if (k > 0 && !(keeping[k - 1][m] >= 0)) throw Refused("a price of keeping is below 0");
            row.push_back(k > 0 ? std::min(keeping[k - 1][m], load[k][m].low) : load[k][m].low);
        }
        price.push_back(row);
    }
    const std::vector<double>& bandwidth = claim.at("bandwidth").row(problem.slots);
    const std::vector<Value>& frames = claim.at("frames").items;
    if (frames.size() != problem.frames) throw Refused("it must prove " + std::to_string(problem.frames) + " frames");
    std::vector<double> cuts;
    std::vector<Listed> lists;
    for (size_t k = 0; k < problem.frames; ++k) {
        std::vector<Interval> held;
        std::vector<bool> later(problem.models, false);
        for (size_t m = 0; m < problem.models; ++m) {
            bool last = k + 1 == problem.frames;
            held.push_back(Interval(price[k][m]) - (last ? 0 : price[k + 1][m]));
            later[m] = !last && load[k + 1][m].high > 0;
        }
        Frame frame(problem, k, held, later);
        Walk walk(frame, frames[k]);
        lists.push_back(walk.caches()), cuts.push_back(walk.cut);
    }
    Interval total = cheapest(lists, cuts, price, load);
    Radio radio{problem};
    for (size_t t = 0; t < problem.slots; ++t) {
        if (!(bandwidth[t] >= 0 && bandwidth[t] < infinite)) throw Refused("a bandwidth multiplier is none");
        total = total + Interval(problem.alpha) * radio.least_delay_s(t, bandwidth[t]);
    }
    return (total / (double(problem.slots) * double(problem.users))).low;
}

// An upper bound on the cost of a solution; refused if it is not feasible.
static double priced(const Problem& problem, const Value& answer) {
    auto cache = answer.at("cache").table(problem.slots, problem.models);
    for (const auto& row : cache)
        for (double held : row)
            if (held != 0 && held != 1) throw Refused("a cache has something but 0 and 1");
    auto bandwidth = answer.at("bandwidth_share").table(problem.slots, problem.users);
    auto share = answer.at("step_share").table(problem.slots, problem.users);
    Radio radio{problem};
    Interval total = 0, most = Interval(1) + problem.forgiven;
    for (size_t t = 0; t < problem.slots; ++t) {
        Interval stored = 0, bands = 0, steps = 0;
        for (size_t m = 0; m < problem.models; ++m)
            if (cache[t][m] != 0) stored = stored + problem.size[m];
        for (size_t n = 0; n < problem.users; ++n) {
            if (!(bandwidth[t][n] > 0 && bandwidth[t][n] <= 1 && share[t][n] >= 0 && share[t][n] <= 1)) throw Refused("a share is out of its range");
            bands = bands + bandwidth[t][n], steps = steps + share[t][n];
        }
        if (std::max({(stored / problem.storage).high, bands.high, steps.high}) > most.low) throw Refused("a limit is passed");
        if (t % problem.frame_slots && cache[t] != cache[t - 1]) throw Refused("the cache changes within a frame");
        total = total + Interval(problem.alpha) * radio.delay_s(t, bandwidth[t]);
        for (size_t n = 0; n < problem.users; ++n) {
            size_t m = size_t(problem.requested[t][n]);
            Interval given = Interval(share[t][n]) * problem.steps;
            bool hit = cache[t][m] != 0;
            if (hit && given.high < (problem.least[m] * (Interval(1) - problem.forgiven)).low) throw Refused("a hit has fewer steps than the floor");
            total = total + (hit ? problem.hit(m, given) : problem.cloud(t, n));
            if (hit && (t == 0 || cache[t - 1][m] == 0)) total = total + Interval(problem.alpha) * problem.load_s * problem.size[m];
        }
    }
    return (total / (double(problem.slots) * double(problem.users))).high;
}

static std::string contents(const char* path) {
    std::ifstream file(path, std::ios::binary);
    file.peek();  // of a folder, opening says nothing
    if (!file.is_open() || file.bad()) {
        std::fprintf(stderr, "%s: must be a file that can be read\n", path);
        std::exit(2);
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

// `hash` is the SHA-256 of the instance's document.
static bool check(const Value& instance, const std::string& hash, const Value& claim, const Value* answer) {
    Problem problem(instance);
    if (claim.at("format").string() != "mincache-certificate/2") throw Refused("it is no mincache-certificate/2");
    if (claim.at("instance").string() != problem.name || claim.at("instance_sha256").string() != hash)
        throw Refused("it is about another document");
    double bound = claim.at("bound").real(), found = proven(problem, claim);
    if (!(found >= bound)) throw Refused("the frames prove " + std::to_string(found) + ", and less than is stated");
    std::printf("proven: no solution that the evaluator calls feasible costs less than %.17g\n", bound);
    if (!answer) return true;
    if (answer->at("format").string() != "mincache-solution/1") throw Refused("it is no mincache-solution/1");
    if (answer->at("instance").string() != problem.name) throw Refused("the solution is of another instance");
    double cost = priced(problem, *answer), gap = cost > 0 ? (cost - bound) / cost : 0;
    bool optimal = gap <= 1e-9;
    if (optimal) std::printf("the solution is optimal within 1e-9: it costs %.17g\n", cost);
    else std::printf("the solution is not proven optimal, only within %.2g: it costs %.17g\n", gap, cost);
    return optimal;
}

int main(int count, char** arguments) {
    if (count < 3 || count > 4) {
        std::fprintf(stderr, "usage: check INSTANCE CERTIFICATE [SOLUTION]\n");
        return 2;
    }
    std::vector<std::string> data;
    for (int i = 1; i < count; ++i) data.push_back(contents(arguments[i]));
    try {
        std::vector<Value> documents;  // read before the rounding is set: each number is the nearest there is
        for (const std::string& one : data) documents.push_back(Reader(one).document());
        std::fesetround(FE_UPWARD);
        return check(documents[0], sha256(data[0]), documents[1], count == 4 ? &documents[2] : nullptr) ? 0 : 1;
    } catch (const Refused& refused) {
        std::printf("refused: %s\n", refused.what());
        return 1;
    }
}
