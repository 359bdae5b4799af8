"""What an operator uses, and what watches over the cluster in the operator's absence."""
