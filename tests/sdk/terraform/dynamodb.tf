resource "aws_dynamodb_table" "music" {
  name             = "tf-music"
  billing_mode     = "PROVISIONED"
  read_capacity    = 5
  write_capacity   = 5
  hash_key         = "Artist"
  range_key        = "Song"
  table_class      = "STANDARD_INFREQUENT_ACCESS"
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "Artist"
    type = "S"
  }
  attribute {
    name = "Song"
    type = "S"
  }
  attribute {
    name = "Year"
    type = "N"
  }
  dynamic "attribute" {
    for_each = var.changed ? ["Label"] : []
    content {
      name = attribute.value
      type = "B"
    }
  }

  global_secondary_index {
    name               = "by-year"
    hash_key           = "Year"
    range_key          = "Artist"
    read_capacity      = 2
    write_capacity     = var.changed ? 3 : 2
    projection_type    = "INCLUDE"
    non_key_attributes = ["Album", "Plays"]
  }
  dynamic "global_secondary_index" {
    for_each = var.changed ? ["by-label"] : []
    content {
      name            = global_secondary_index.value
      hash_key        = "Label"
      read_capacity   = 1
      write_capacity  = 1
      projection_type = "KEYS_ONLY"
    }
  }
  local_secondary_index {
    name            = "artists-years"
    range_key       = "Year"
    projection_type = "ALL"
  }

  ttl {
    attribute_name = "expires"
    enabled        = !var.changed
  }
  point_in_time_recovery { enabled = true }
  server_side_encryption { enabled = true }
  tags = var.changed ? { team = "a", stage = "live" } : { team = "a", stage = "test" }
}

resource "aws_dynamodb_table" "plain" {
  name                        = "tf-plain"
  deletion_protection_enabled = !var.changed # AWS lets nothing else change with it
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "id"
  attribute {
    name = "id"
    type = "S"
  }
  on_demand_throughput {
    max_read_request_units  = 10
    max_write_request_units = 10
  }
  ttl {
    attribute_name = "expires"
    enabled        = true
  }
}

resource "aws_dynamodb_table_item" "one" {
  table_name = aws_dynamodb_table.music.name
  hash_key   = aws_dynamodb_table.music.hash_key
  range_key  = aws_dynamodb_table.music.range_key
  item = jsonencode({
    Artist = { S = "Nina Simone" }
    Song   = { S = "Sinnerman" }
    Year   = { N = "1965" }
    Plays  = { N = var.changed ? "2" : "1" }
    Tags   = { SS = ["jazz", "soul"] }
    Deep   = { M = { list = { L = [{ BOOL = true }, { NULL = true }, { B = "AQID" }] } } }
  })
}

resource "aws_dynamodb_resource_policy" "readers" {
  resource_arn = aws_dynamodb_table.music.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Read"
      Effect    = "Allow"
      Principal = { AWS = aws_iam_role.reader.arn }
      Action    = ["dynamodb:GetItem", "dynamodb:Query"]
      Resource  = aws_dynamodb_table.music.arn
    }]
  })
}

resource "aws_dynamodb_contributor_insights" "music" {
  table_name = aws_dynamodb_table.music.name
}

data "aws_dynamodb_table" "music" {
  name = aws_dynamodb_table.music.name
}

data "aws_dynamodb_table_item" "one" {
  table_name = aws_dynamodb_table.music.name
  key        = jsonencode({ Artist = { S = "Nina Simone" }, Song = { S = "Sinnerman" } })
  depends_on = [aws_dynamodb_table_item.one]
}

output "plays" { value = jsondecode(data.aws_dynamodb_table_item.one.item).Plays.N }
output "stream" { value = aws_dynamodb_table.music.stream_arn }
