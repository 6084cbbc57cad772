#include "rich.hpp"

// One of each, or compilers leave the types out.
int zero;
app::Everything everything;
app::Four four;
app::Aligned aligned;
app::Outer outer;
app::Outer::Inner inner;
app::OnlyDeclared *only_declared;
SharedData shared_data;
Typedef by_typedef;
one::Twice one_twice;
two::Twice two_twice;
Union plain_union;
Pointer pointer;
Reference reference{zero};
Function function;
BitField bit_field;
HasUnion has_union;
AnonymousUnion anonymous_union;
LongDouble long_double;
WideChar wide_char;
Utf16 utf16;
Flexible flexible;
WithString with_string;
WithVector with_vector;
Virtual with_virtual;
VirtualBase virtual_base;
HasEmpty has_empty;
CaseOnly case_only;
Deep<15> deep;
Deep<90> too_deep;

int main() {}
