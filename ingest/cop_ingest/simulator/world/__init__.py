"""What is so at a time: the story's incidents and warnings, and the fields that follow from the same typhoon."""
