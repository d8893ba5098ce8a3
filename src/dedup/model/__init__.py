"""The linkage model as typed values; a leaf that both sides share."""
