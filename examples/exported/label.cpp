// Label a WAV file of 16 bits with an exported model: label MODEL.onnx FILE.wav
//
//   g++ -std=c++17 label.cpp -I ORT/include -L ORT/lib -lonnxruntime -o label
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

struct Sound {
  std::vector<float> samples;  // mono, from -1 to 1
  uint32_t rate = 0;
};

template <typename T>
T read(const std::vector<char>& bytes, size_t at) {
  T value;
  if (at + sizeof value > bytes.size()) throw std::runtime_error("the file is cut off");
  std::memcpy(&value, &bytes[at], sizeof value);  // WAV and most processors: little-endian
  return value;
}

Sound read_wav(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  auto is = [&](size_t at, const char* word) {
    return at + 4 <= bytes.size() && std::equal(word, word + 4, &bytes[at]);
  };
  if (!is(0, "RIFF") || !is(8, "WAVE")) throw std::runtime_error(path + " is no WAV file");
  Sound sound;
  uint16_t channels = 0;
  for (size_t at = 12; at + 8 <= bytes.size();) {
    const size_t start = at + 8, length = read<uint32_t>(bytes, at + 4);
    if (is(at, "fmt ")) {
      channels = read<uint16_t>(bytes, start + 2);
      sound.rate = read<uint32_t>(bytes, start + 4);
      if (read<uint16_t>(bytes, start + 14) != 16) throw std::runtime_error("16 bits are needed");
    } else if (is(at, "data") && channels > 0) {
      const size_t frame = 2 * channels;
      for (size_t n = start; n + frame <= std::min(start + length, bytes.size()); n += frame) {
        float sum = 0;
        for (size_t channel = 0; channel < channels; ++channel)
          sum += read<int16_t>(bytes, n + 2 * channel) / 32768.0f;
        sound.samples.push_back(sum / channels);
      }
    }
    at = start + length + length % 2;
  }
  if (sound.samples.empty()) throw std::runtime_error(path + " holds no samples");
  return sound;
}

// The words of a JSON list of plain words, as the metadata have the labels.
std::vector<std::string> words(const std::string& list) {
  std::vector<std::string> found;
  for (size_t at = list.find('"'); at != std::string::npos; at = list.find('"', at + 1)) {
    const size_t end = list.find('"', at + 1);
    found.push_back(list.substr(at + 1, end - at - 1));
    at = end;
  }
  return found;
}

int main(int argc, char** argv) try {
  if (argc != 3) throw std::runtime_error("usage: label MODEL.onnx FILE.wav");
  Ort::Env env;
  Ort::Session session(env, argv[1], Ort::SessionOptions{});
  Ort::AllocatorWithDefaultOptions allocator;
  const auto metadata = session.GetModelMetadata();
  auto known = [&](const char* name) {
    return std::string(metadata.LookupCustomMetadataMapAllocated(name, allocator).get());
  };
  Sound sound = read_wav(argv[2]);
  if (std::to_string(sound.rate) != known("sample_rate"))
    throw std::runtime_error("resample it to " + known("sample_rate") + " Hz first");

  const int64_t shape[] = {static_cast<int64_t>(sound.samples.size())};
  auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  auto input = Ort::Value::CreateTensor<float>(memory, sound.samples.data(), sound.samples.size(),
                                               shape, 1);
  const char* in[] = {"samples"};
  const char* out[] = {"probabilities"};
  auto results = session.Run(Ort::RunOptions{}, in, &input, 1, out, 1);
  const float* probabilities = results[0].GetTensorData<float>();

  const auto labels = words(known("labels"));
  const auto best = std::max_element(probabilities, probabilities + labels.size());
  // All are zero where nobody speaks.
  if (*best == 0) std::cout << "no speech\n";
  else std::cout << labels[best - probabilities] << ' ' << *best << '\n';
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
