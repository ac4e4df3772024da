"""What makes sense without AWS around it: numbers, values, expressions. Knows no request and no store."""
