"""What people read: reports, in words and numbers."""
