// Reads a page without knowing its struct: the page carries its layout.
//
//     g++ -std=c++20 latest_untyped.cpp -lcrosspage -o latest_untyped

#include <crosspage.hpp>

#include <iostream>

int main(int argc, char **argv) try {
  const char *page = argc > 1 ? argv[1] : "telemetry";
  auto reader = crosspage::latest::Reader<crosspage::dynamic>::open(page);
  const auto now = reader.read();
  if (!now) {
    std::cout << page << " has no value yet\n";
    return 0;
  }
  std::cout << reader.layout().name() << ", version " << now->version << ": " << now->value.to_json() << "\n";
  std::cout << "temperature: " << (*now)["temperature"].as<double>() << "\n";
  return 0;
} catch (const crosspage::error &e) {
  std::cerr << "error: " << e.what() << "\n";
  return 1;
}
