"""Tests of actors/sts, and of who may do what wherever."""
