// The other half: C++20 writes, C++17 reads, and both are what their standard says.
#include "check.hpp"
#include "shared_data.hpp"

int read_with_17();

int main() {
  crosspage::testing::Namespace ns;
  auto writer = crosspage::latest::Writer<SharedData>::create("linked");
  SharedData data{};
  data.counter = 17 + 20;
  writer.write(data);
  CHECK_EQ(read_with_17(), 37);
}
