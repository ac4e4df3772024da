"""Who answers: the actor runtime and one folder per AWS service, named as botocore names it."""
