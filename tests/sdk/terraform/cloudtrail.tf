resource "aws_s3_bucket" "trail" {
  bucket        = "tf-trail"
  force_destroy = true
}

resource "aws_s3_bucket_policy" "trail" {
  bucket = aws_s3_bucket.trail.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "s3:GetBucketAcl"
        Resource  = aws_s3_bucket.trail.arn
      },
      {
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${aws_s3_bucket.trail.arn}/AWSLogs/${data.aws_caller_identity.me.account_id}/*"
        Condition = { StringEquals = { "s3:x-amz-acl" = "bucket-owner-full-control" } }
      },
    ]
  })
}

resource "aws_cloudtrail" "all" {
  name                       = "tf-all"
  s3_bucket_name             = aws_s3_bucket.trail.id
  enable_log_file_validation = true
  tags                       = { team = "a" }
  depends_on                 = [aws_s3_bucket_policy.trail]
  event_selector {
    include_management_events = true
    read_write_type           = var.changed ? "ReadOnly" : "WriteOnly"
  }
}
