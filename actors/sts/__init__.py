"""AWS Security Token Service. Start at service.py; README.md says what is covered."""
