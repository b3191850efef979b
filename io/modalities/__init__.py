"""What bytes become entities: texts, and the tokenizer that gives them frequencies."""
