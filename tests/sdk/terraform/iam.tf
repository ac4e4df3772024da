resource "aws_iam_role" "reader" {
  name                 = "tf-reader"
  path                 = "/apps/"
  max_session_duration = 7200
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
  tags = { team = "a" }
}

resource "aws_iam_policy" "reading" {
  name        = "tf-reading"
  description = "reads the table"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = var.changed ? ["dynamodb:GetItem", "dynamodb:Scan"] : ["dynamodb:GetItem"]
      Resource = aws_dynamodb_table.music.arn
    }]
  })
}

resource "aws_iam_role_policy_attachment" "reading" {
  role       = aws_iam_role.reader.name
  policy_arn = aws_iam_policy.reading.arn
}

resource "aws_iam_role_policy" "inline" {
  name = "inline"
  role = aws_iam_role.reader.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "*" }]
  })
}

resource "aws_iam_instance_profile" "reader" {
  name = "tf-reader"
  role = aws_iam_role.reader.name
}

resource "aws_iam_user" "ann" {
  name = "tf-ann"
  tags = { team = "a" }
}

resource "aws_iam_access_key" "ann" {
  user = aws_iam_user.ann.name
}

resource "aws_iam_group" "readers" {
  name = "tf-readers"
}

resource "aws_iam_user_group_membership" "ann" {
  user   = aws_iam_user.ann.name
  groups = [aws_iam_group.readers.name]
}

resource "aws_iam_user_policy_attachment" "ann" {
  user       = aws_iam_user.ann.name
  policy_arn = aws_iam_policy.reading.arn
}

resource "aws_iam_group_policy" "inline" {
  name  = "inline"
  group = aws_iam_group.readers.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:ListAllMyBuckets", Resource = "*" }]
  })
}
