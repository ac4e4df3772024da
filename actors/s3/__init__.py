"""Amazon S3. Start at service.py; README.md says what is covered, DESIGN.md why it is built so."""
