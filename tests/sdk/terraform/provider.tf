variable "endpoint" { type = string }
variable "changed" {
  type    = bool
  default = false
}

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

# Credentials, account and region come from the environment and STS, as on AWS.
provider "aws" {
  s3_use_path_style       = true
  skip_metadata_api_check = true
  skip_region_validation  = true
  endpoints {
    cloudtrail    = var.endpoint
    dynamodb      = var.endpoint
    iam           = var.endpoint
    organizations = var.endpoint
    s3            = var.endpoint
    sts           = var.endpoint
  }
}

data "aws_caller_identity" "me" {}
data "aws_region" "here" {}
