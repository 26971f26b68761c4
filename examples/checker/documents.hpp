// Reading of JSON documents, and SHA-256: what the check of a certificate needs of a library, in little.
#pragma once

#include <array>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A JSON value. An array of numbers alone has them in `numbers`, any other array has `items`.
struct Value {
    enum Kind { nothing, number, text, array, object } kind = nothing;
    bool whole = true;  // whether a number, or each of an array's, is written without a point or an exponent
    double scalar = 0;
    std::string letters;
    std::vector<double> numbers;
    std::vector<Value> items;
    std::map<std::string, Value> fields;

    const Value& at(const std::string& name) const {
        auto found = fields.find(name);
        if (kind != object || found == fields.end()) throw Refused("the field " + name + " is missing");
        return found->second;
    }
    double real() const {
        if (kind != number) throw Refused("a number is missing");
        return scalar;
    }
    const std::string& string() const {
        if (kind != text) throw Refused("a text is missing");
        return letters;
    }
    const std::vector<double>& row() const {
        if (kind != array || !items.empty()) throw Refused("a list of numbers is missing");
        return numbers;
    }
    const std::vector<double>& whole_row() const {
        if (!whole) throw Refused("a list must have whole numbers");
        return row();
    }
    const std::vector<double>& row(size_t size) const {
        if (row().size() != size) throw Refused("a list of numbers must have " + std::to_string(size));
        return numbers;
    }
    // An array of `rows` arrays of `columns` numbers.
    std::vector<std::vector<double>> table(size_t rows, size_t columns) const {
        if (kind != array || !numbers.empty() || items.size() != rows)
            throw Refused("a table must have " + std::to_string(rows) + " rows");
        std::vector<std::vector<double>> found;
        for (const Value& item : items) found.push_back(item.row(columns));
        return found;
    }
};

class Reader {
public:
    explicit Reader(const std::string& data) : place(data.c_str()), end(place + data.size()) {
        if (!is_utf8(data)) throw Refused("a document is not UTF-8");
        word("\xEF\xBB\xBF");  // which some editors write first
    }

    Value document() {
        Value value = read(0);
        blank();
        if (place != end) throw Refused("something follows the document");
        return value;
    }

private:
    const char* place;
    const char* end;

    static bool is_utf8(const std::string& data) {
        for (size_t at = 0, more; at < data.size(); at += 1 + more) {
            unsigned first = (unsigned char)data[at], code = first;
            more = first < 0x80 ? 0 : first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : first >> 3 == 30 ? 3 : 4;
            if (more == 4 || at + more >= data.size()) return false;
            if (more) code &= 0x3F >> more;
            for (size_t i = 1; i <= more; ++i) {
                if ((data[at + i] & 0xC0) != 0x80) return false;
                code = code << 6 | (data[at + i] & 0x3F);
            }
            static const unsigned least[] = {0, 0x80, 0x800, 0x10000};  // what is longer than need be is none
            if (code < least[more] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
        }
        return true;
    }
    void blank() {
        while (place != end && (*place == ' ' || *place == '\n' || *place == '\r' || *place == '\t')) ++place;
    }
    bool taken(char wanted) {
        blank();
        if (place == end || *place != wanted) return false;
        ++place;
        return true;
    }
    void expect(char wanted) {
        if (!taken(wanted)) throw Refused(std::string("a document lacks a ") + wanted);
    }
    bool word(const std::string& wanted) {
        if (size_t(end - place) < wanted.size() || wanted.compare(0, wanted.size(), place, wanted.size())) return false;
        place += wanted.size();
        return true;
    }
    std::string quoted() {
        expect('"');
        std::string found;
        while (place != end && *place != '"') {
            if ((unsigned char)*place < ' ') throw Refused("a text has a control character");
            if (*place == '\\' && ++place == end) break;
            found += *place++;  // an escaped character stands for itself: names and hashes have none
        }
        expect('"');
        return found;
    }
    double figure(bool& whole) {
        const char* start = place;
        while (place != end && (std::isdigit((unsigned char)*place) || std::string("+-.eE").find(*place) != std::string::npos))
            ++place;
        std::string digits(start, place);
        char* stop = nullptr;
        double found = std::strtod(digits.c_str(), &stop);
        whole = digits.find_first_of(".eE") == std::string::npos;
        auto digit_at = [&](size_t at) { return at < digits.size() && std::isdigit((unsigned char)digits[at]); };
        size_t first = digits.compare(0, 1, "-") == 0, point = digits.find('.');
        bool leading = digits.compare(first, 1, "0") == 0 && digit_at(first + 1);
        if (*stop || !digit_at(first) || leading || (point != std::string::npos && !digit_at(point + 1)))
            throw Refused("a document has something that is no value");
        if (!(std::abs(found) <= std::numeric_limits<double>::max())) throw Refused("a number is too large");
        return found;
    }
    Value read(int depth) {
        if (depth > 32) throw Refused("a document is nested too deep");
        Value value;
        blank();
        if (place != end && *place == '"') {
            value.kind = Value::text;
            value.letters = quoted();
        } else if (taken('{')) {
            value.kind = Value::object;
            if (taken('}')) return value;
            do {
                std::string name = quoted();
                expect(':');
                if (!value.fields.emplace(name, read(depth + 1)).second) throw Refused("a field stands twice: " + name);
            } while (taken(','));
            expect('}');
        } else if (taken('[')) {
            value.kind = Value::array;
            if (!taken(']')) elements(value, depth);
        } else if (!(word("null") || word("true") || word("false"))) {  // of which a document needs none
            value.kind = Value::number;
            value.scalar = figure(value.whole);
        }
        return value;
    }
    void elements(Value& value, int depth) {
        do {
            Value item = read(depth + 1);
            if (item.kind == Value::number && value.items.empty()) {
                value.numbers.push_back(item.scalar);
                value.whole = value.whole && item.whole;
                continue;
            }
            for (double before : value.numbers) {  // not all are numbers
                value.items.emplace_back();
                value.items.back().kind = Value::number;
                value.items.back().scalar = before;
            }
            value.numbers.clear();
            value.items.push_back(std::move(item));
        } while (taken(','));
        expect(']');
    }
};

// The SHA-256 of some bytes, in hexadecimal digits (FIPS 180-4).
inline std::string sha256(std::string data) {
    static const std::array<uint32_t, 64> k = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    std::array<uint32_t, 8> h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    auto turned = [](uint32_t x, int n) { return x >> n | x << (32 - n); };
    uint64_t bits = uint64_t(data.size()) * 8;
    data += char(0x80);
    while (data.size() % 64 != 56) data += '\0';
    for (int shift = 56; shift >= 0; shift -= 8) data += char(bits >> shift);
    for (size_t block = 0; block < data.size(); block += 64) {
        std::array<uint32_t, 64> w{};
        for (int i = 0; i < 64; ++i) w[i / 4] = w[i / 4] << 8 | (unsigned char)data[block + i];
        for (int i = 16; i < 64; ++i) {
            uint32_t a = w[i - 15], b = w[i - 2];
            w[i] = w[i - 16] + (turned(a, 7) ^ turned(a, 18) ^ a >> 3) + w[i - 7] + (turned(b, 17) ^ turned(b, 19) ^ b >> 10);
        }
        auto s = h;
        for (int i = 0; i < 64; ++i) {
            uint32_t e = s[4], a = s[0];
            uint32_t first = s[7] + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
            uint32_t second = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
            s = {first + second, s[0], s[1], s[2], s[3] + first, s[4], s[5], s[6]};
        }
        for (int i = 0; i < 8; ++i) h[i] += s[i];
    }
    std::string found;
    for (uint32_t word : h)
        for (int shift = 28; shift >= 0; shift -= 4) found += "0123456789abcdef"[word >> shift & 15];
    return found;
}
