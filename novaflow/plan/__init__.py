"""What comes next: pure; fed facts, answers actions."""
