// Classify a CSV (one row a point, columns YYYYMMDD, mm, the id first) with the model files alone, in C++17.
//
//     g++ -std=c++17 -O2 -I HEADERS classify.cpp LIBRARY -o classify
//     ./classify MODEL_FOLDER FILE.csv [int8|fp32]
//
// HEADERS holds onnxruntime_cxx_api.h (Debian: libonnxruntime-dev; or the archives that onnxruntime releases), LIBRARY is
// libonnxruntime.so; a newer library serves older headers. Writes id, class, status, confidence, probabilities as CSV.
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// [model]
// Numbers of model.json; a test compares them.
constexpr int kClasses = 6;
constexpr const char* kNames[] = {"Stable", "Linear", "Quadratic", "Bilinear", "PUE", "Other"};
constexpr std::size_t kMinEpochs = 30, kMaxEpochs = 512;
constexpr float kMaxGapDays = 240, kMaxRangeMm = 1500, kAbstainBelow = 0.6F, kUnsureBelow = 0.35F;
constexpr double kStableRate = 2.0;
constexpr std::array<double, kClasses> kTraining = {0.2367, 0.2151, 0.0965, 0.1119, 0.2138, 0.126};
constexpr std::size_t kGoldenRows = 48, kGoldenEpochs = 60;
constexpr float kGoldenTolerance = 0.02F;
// [end]

using Floats = std::vector<float>;
using Shares = std::array<float, kClasses>;
using Mix = std::array<double, kClasses>;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

// [rules]
// Look at a series before the network does, which turns NaN and infinity into a confident class.
std::string check(const Floats& values, const Floats& days) {
  std::size_t epochs = 0;
  float gap = 0, last = 0, low = INFINITY, high = -INFINITY;
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (std::isnan(values[k])) continue;
    if (epochs++) gap = std::max(gap, days[k] - last);
    last = days[k];
    low = std::min(low, values[k]);
    high = std::max(high, values[k]);
  }
  if (epochs && !(std::isfinite(low) && std::isfinite(high))) return "non_finite";
  if (epochs < kMinEpochs) return "too_few_epochs";
  if (gap > kMaxGapDays) return "gap_too_long";
  return high - low > kMaxRangeMm ? "out_of_domain" : "ok";
}

// Rate in mm/yr of a line beside an annual sine; of a line alone if the values span less than a year.
double yearly_rate(const Floats& values, const Floats& days) {
  constexpr double kYear = 365.25, kTurn = 6.283185307179586;
  std::vector<std::size_t> known;
  for (std::size_t k = 0; k < values.size(); ++k)
    if (!std::isnan(values[k])) known.push_back(k);
  const bool season = days[known.back()] - days[known.front()] >= kYear;
  std::vector<std::vector<double>> columns(4);
  std::vector<double> series;
  for (std::size_t k : known) {
    const double t = (days[k] - (days.front() + days.back()) / 2.0) / kYear;
    columns[0].push_back(1);
    columns[1].push_back(season ? std::sin(kTurn * t) : 0);
    columns[2].push_back(season ? std::cos(kTurn * t) : 0);
    columns[3].push_back(t);
    series.push_back(values[k]);
  }
  double scale = 0;
  for (std::size_t c = 0; c < 4; ++c) {  // orthonormal, the line the last one (Gram and Schmidt)
    const double before = dot(columns[c], columns[c]);
    for (std::size_t d = 0; d < c; ++d) {
      const double part = dot(columns[c], columns[d]);
      for (std::size_t k = 0; k < series.size(); ++k) columns[c][k] -= part * columns[d][k];
    }
    const double square = dot(columns[c], columns[c]);
    scale = square > 1e-6 * before ? 1 / std::sqrt(square) : 0;
    for (double& value : columns[c]) value *= scale;
  }
  return dot(series, columns[3]) * scale;
}

float highest(const Shares& shares) { return *std::max_element(shares.begin(), shares.end()); }

// Divide shares by their sum.
Mix normalized(Mix shares) {
  double sum = 0;
  for (double share : shares) sum += share;
  for (double& share : shares) share /= sum;
  return shares;
}

// Probabilities under another mix of classes than that of the training.
Mix reweight(const Shares& shares, const Mix& priors) {
  Mix weighted;
  for (int k = 0; k < kClasses; ++k) weighted[k] = shares[k] * (priors[k] / kTraining[k]);
  return normalized(weighted);
}

// The mix that is assumed for a table: a quarter of the most likely one for rows that the network knows (expectation and
// maximization), the rest that of the training.
Mix estimate_mix(const std::vector<Shares>& asked) {
  std::vector<Shares> known;
  for (const Shares& shares : asked)
    if (highest(shares) >= kUnsureBelow) known.push_back(shares);
  if (known.size() < 100) return kTraining;
  Mix mix = kTraining;
  double change = 1;
  for (int step = 0; step < 1000 && change >= 1e-6; ++step) {
    Mix next{};
    for (const Shares& shares : known) {
      const Mix weighted = reweight(shares, mix);
      for (int k = 0; k < kClasses; ++k) next[k] += weighted[k] / known.size();
    }
    change = 0;
    for (int k = 0; k < kClasses; ++k) change = std::max(change, std::abs(next[k] - mix[k]));
    mix = next;
  }
  for (double& share : mix) share = std::max(share, 1e-3);
  mix = normalized(mix);
  for (int k = 0; k < kClasses; ++k) mix[k] = std::pow(kTraining[k], 0.75) * std::pow(mix[k], 0.25);
  return normalized(mix);
}

// The class of a series, -1 if there is none; its shares become those of the mix of classes.
int decide(Shares& shares, const Mix& priors, const Floats& values, const Floats& days) {
  const bool unsure = highest(shares) < std::min(kUnsureBelow, kAbstainBelow);  // whatever the mix
  const Mix weighted = reweight(shares, priors);
  for (int k = 0; k < kClasses; ++k) shares[k] = static_cast<float>(weighted[k]);
  const int top = static_cast<int>(std::max_element(shares.begin(), shares.end()) - shares.begin());
  const bool together = top <= 1;  // Stable and Linear differ by the rate alone
  if (unsure || (together ? shares[0] + shares[1] : shares[top]) < kAbstainBelow) return -1;
  if (together && shares[top] < kAbstainBelow) {
    const double rate = std::abs(yearly_rate(values, days)) / kStableRate;
    if (top == 1 ? rate < 0.75 : rate > 1.25) return -1;
  }
  return top;
}
// [end]

// [session]
class Network {
 public:
  explicit Network(const std::string& path)
      : session_(environment_, path.c_str(), Ort::SessionOptions{}) {}

  // Probabilities of rows of days.size() values each, in mm, NaN = missing.
  std::vector<Shares> operator()(Floats& values, Floats& days) {
    const auto epochs = static_cast<std::int64_t>(days.size());
    const auto rows = static_cast<std::int64_t>(values.size()) / epochs;
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const std::int64_t matrix[] = {rows, epochs}, axis[] = {1, epochs};
    const Ort::Value inputs[] = {
        Ort::Value::CreateTensor<float>(memory, values.data(), values.size(), matrix, 2),
        Ort::Value::CreateTensor<float>(memory, days.data(), days.size(), axis, 2),
    };
    const char* names[] = {"displacement", "days"};
    const char* wanted[] = {"probabilities"};
    const auto answer = session_.Run(Ort::RunOptions{}, names, inputs, 2, wanted, 1);
    std::vector<Shares> shares(static_cast<std::size_t>(rows));
    const float* begin = answer.front().GetTensorData<float>();
    std::memcpy(shares.data(), begin, shares.size() * sizeof(Shares));
    return shares;
  }

 private:
  Ort::Env environment_{ORT_LOGGING_LEVEL_WARNING, "insar"};
  Ort::Session session_;
};
// [end]

// [golden]
// Largest difference from the golden vectors: int16 tenths of a mm (-32768 = NaN) [rows, epochs],
// float32 days [epochs], float32 probabilities [rows, classes], one after the other, little endian
// as most processors are.
float golden_difference(Network& network, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::int16_t> tenths(kGoldenRows * kGoldenEpochs);
  Floats days(kGoldenEpochs), values;
  std::vector<Shares> expected(kGoldenRows);
  file.read(reinterpret_cast<char*>(tenths.data()), tenths.size() * sizeof(std::int16_t));
  file.read(reinterpret_cast<char*>(days.data()), days.size() * sizeof(float));
  file.read(reinterpret_cast<char*>(expected.data()), expected.size() * sizeof(Shares));
  if (!file) throw std::runtime_error(path + " is missing or too short");
  for (std::int16_t tenth : tenths)
    values.push_back(tenth == -32768 ? NAN : static_cast<float>(tenth / 10.0));
  const std::vector<Shares> found = network(values, days);
  float most = 0;
  for (std::size_t i = 0; i < kGoldenRows; ++i)
    for (int k = 0; k < kClasses; ++k) {
      const float apart = std::abs(found[i][k] - expected[i][k]);
      if (!(apart <= most)) most = std::isnan(apart) ? INFINITY : apart;
    }
  return most;
}
// [end]

std::vector<std::string> cells_of(std::string line) {
  line.erase(std::remove_if(line.begin(), line.end(), [](char c) { return c == '"' || c == '\r'; }), line.end());
  std::vector<std::string> cells;
  std::stringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
  return cells;
}

// Days since 1970 of YYYYMMDD, in the Gregorian calendar (H. Hinnant, days_from_civil).
int day_of(const std::string& name) {
  int year = std::stoi(name.substr(0, 4));
  const int month = std::stoi(name.substr(4, 2)), day = std::stoi(name.substr(6, 2));
  year -= month <= 2;
  const int of_era = year % 400, of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return year / 400 * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool is_date(const std::string& name) {
  return name.size() == 8 && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

int run(const std::string& folder, const std::string& table, const std::string& precision) {
  Network network(folder + "/trend-net." + precision + ".onnx");
  if (precision == "int8") {
    const float difference = golden_difference(network, folder + "/trend-net.int8.golden");
    if (!(difference <= kGoldenTolerance)) throw std::runtime_error("int8 computes wrongly here: take fp32");
    std::cerr << "golden vectors: " << difference << " of " << kGoldenTolerance << '\n';
  }
  std::ifstream file(table);
  std::string line;
  if (!std::getline(file, line)) throw std::runtime_error(table + " cannot be read");
  const std::vector<std::string> header = cells_of(line);
  std::vector<std::pair<int, std::size_t>> epochs;  // day and column, in the order of the days
  for (std::size_t column = 0; column < header.size(); ++column)
    if (is_date(header[column])) epochs.emplace_back(day_of(header[column]), column);
  std::sort(epochs.begin(), epochs.end());
  if (epochs.size() < kMinEpochs || epochs.size() > kMaxEpochs)
    throw std::runtime_error(std::to_string(epochs.size()) + " epochs; 30 to 512 are needed");
  Floats days;
  for (const auto& epoch : epochs) days.push_back(static_cast<float>(epoch.first - epochs.front().first));

  std::vector<std::string> ids, statuses;
  std::vector<Floats> series;
  std::vector<Shares> shares, asked;
  while (std::getline(file, line)) {
    const std::vector<std::string> cells = cells_of(line);
    Floats values;
    for (const auto& epoch : epochs) {
      const std::string cell = epoch.second < cells.size() ? cells[epoch.second] : "";
      values.push_back(cell.empty() ? NAN : static_cast<float>(std::stod(cell)));
    }
    ids.push_back(cells.front());
    statuses.push_back(check(values, days));
    shares.emplace_back();
    shares.back().fill(NAN);
    if (statuses.back() == "ok") {
      // One series a call is the simplest; some hundred a call are several times as fast.
      shares.back() = network(values, days).front();
      asked.push_back(shares.back());
    }
    series.push_back(values);
  }
  // The command takes 2,048 of the first 8,192 rows.
  const Mix priors = estimate_mix(asked);

  std::cout << "id,class,status,confidence";
  for (const char* name : kNames) std::cout << ',' << name;
  std::cout << '\n';
  std::cout.precision(9);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const int found = statuses[i] == "ok" ? decide(shares[i], priors, series[i], days) : -1;
    if (statuses[i] == "ok" && found < 0) statuses[i] = "abstained";
    std::cout << ids[i] << ',' << (found < 0 ? "" : kNames[found]) << ',' << statuses[i] << ',' << highest(shares[i]);
    for (float share : shares[i]) std::cout << ',' << share;
    std::cout << '\n';
  }
  return 0;
}

int main(int count, char** words) {
  try {
    if (count < 3) throw std::runtime_error("give MODEL_FOLDER and FILE.csv");
    return run(words[1], words[2], count > 3 ? words[3] : "int8");
  } catch (const std::exception& error) {
    std::cerr << "classify: " << error.what() << '\n';
    return 1;
  }
}
