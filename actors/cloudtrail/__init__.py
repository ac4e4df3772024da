"""AWS CloudTrail. Start at service.py; README.md says what is covered."""
