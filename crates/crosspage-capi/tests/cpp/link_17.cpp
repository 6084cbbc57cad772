// One half of a program whose halves are compiled for different standards; see link_20.cpp.
#include <sstream>
#include "shared_data.hpp"

int read_with_17() { return crosspage::latest::Reader<SharedData>::open("linked").read()->value.counter; }
