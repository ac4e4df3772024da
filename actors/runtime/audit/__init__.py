"""The audit trail of a process: a call as CloudTrail's event (event.py), kept in a local journal (journal.py) until
CloudTrail's shard has it (delivery.py), whichever of the two is away. Which data events anyone wants: selectors.py.
"""
