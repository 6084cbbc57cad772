// One half of a program whose halves are compiled for different standards; see link_20.cpp.
#include <sstream>
#include "shared_data.hpp"

int read_with_17() { return crosspage::latest::Reader<SharedData>::open("linked").read()->value.counter; }
int receive_with_17(std::string_view text) {
  auto message = crosspage::topic::Subscriber<crosspage::bytes>::options().history(1).attach("linked-topic").recv();
  return message.text() == text ? static_cast<int>(message.value.size()) : 0;
}
