"""The usage room: what the records counted, with the content beside it -> a report for the people who look after it."""
