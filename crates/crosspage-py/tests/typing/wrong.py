"""A program with mistakes that both type checkers find, on the lines that say so."""

import crosspage


class SharedData(crosspage.Struct):
    counter: crosspage.i32
    message: str = crosspage.text(500)


SharedData(counter=1)  # wrong: message is missing
SharedData(counter="one", message="")  # wrong: no number
SharedData(counter=1, message="", more=2)  # wrong: no such field
data = SharedData(counter=1, message="")
data.counter = 2  # wrong: records do not change
print(data.mesage)  # wrong: no such field
crosspage.latest.create("typed", SharedData, writer=2)  # wrong: no such option
crosspage.latest.open("typed", SharedData, match="maybe")  # wrong: exact or name
crosspage.topic.publisher("typed", SharedData, policy="maybe")  # wrong: overwrite or block
crosspage.topic.subscriber("typed", SharedData, timeout=1)  # wrong: a publisher's
crosspage.topic.publisher("typed", SharedData).publish(3)  # wrong: no record
print(crosspage.topic.subscriber("typed", SharedData).recv().mesage)  # wrong: no such field
crosspage.topic.subscriber("typed", bytes).recv().counter  # wrong: a message is bytes
