"""AWS Identity and Access Management. Start at service.py; README.md says what is covered."""
