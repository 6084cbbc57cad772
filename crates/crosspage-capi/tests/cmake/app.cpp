#include <crosspage.hpp>
#include <iostream>

struct Data { int n; };
CROSSPAGE_STRUCT(Data, n);

int main() {
  crosspage::testing::Namespace ns;
  auto writer = crosspage::latest::Writer<Data>::create("page");
  writer.write({42});
  if (crosspage::latest::Reader<Data>::open("page").read()->value.n != 42) return 1;
  std::cout << crosspage::version() << "\n";
}
