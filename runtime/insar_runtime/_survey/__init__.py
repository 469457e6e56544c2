"""What is odd about a file: findings from a sample of its rows and its dates, and from all of its ids."""
