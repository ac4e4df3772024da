# What else IAM has, beside iam.tf: each kind of resource once, and what reads them.

resource "aws_iam_account_alias" "ours" { account_alias = "tf-acme" }

resource "aws_iam_account_password_policy" "ours" {
  minimum_password_length        = 8
  require_numbers                = true
  allow_users_to_change_password = var.changed
  max_password_age               = var.changed ? 90 : 0
}

resource "aws_iam_security_token_service_preferences" "ours" {
  global_endpoint_token_version = var.changed ? "v1Token" : "v2Token"
}

resource "aws_iam_user" "bob" {
  name                 = var.changed ? "tf-robert" : "tf-bob"
  path                 = "/staff/"
  permissions_boundary = aws_iam_policy.tagged.arn
  force_destroy        = true
}

resource "aws_iam_user_login_profile" "ann" {
  user                    = aws_iam_user.ann.name
  password_length         = 24
  password_reset_required = true
}

resource "aws_iam_user_ssh_key" "ann" {
  username   = aws_iam_user.ann.name
  encoding   = "SSH"
  public_key = "ssh-rsa ${local.public_key}"
  status     = var.changed ? "Inactive" : "Active"
}

resource "aws_iam_service_specific_credential" "ann" {
  service_name = "codecommit.amazonaws.com"
  user_name    = aws_iam_user.ann.name
  status       = var.changed ? "Inactive" : "Active"
}

resource "aws_iam_virtual_mfa_device" "spare" {
  virtual_mfa_device_name = "tf-spare"
  path                    = "/devices/"
  tags                    = { team = var.changed ? "b" : "a" }
}

resource "aws_iam_group" "writers" {
  name = var.changed ? "tf-authors" : "tf-writers"
  path = var.changed ? "/staff/" : "/"
}

resource "aws_iam_group_membership" "writers" {
  name  = "writers"
  group = aws_iam_group.writers.name
  users = var.changed ? [aws_iam_user.ann.name] : [aws_iam_user.ann.name, aws_iam_user.bob.name]
}

resource "aws_iam_policy" "tagged" {
  name_prefix = "tf-tagged"
  path        = "/policies/"
  policy      = data.aws_iam_policy_document.own_folder.json
  tags        = { team = var.changed ? "b" : "a" }
}

resource "aws_iam_policy" "shared" {
  name   = "tf-shared"
  policy = data.aws_iam_policy_document.own_folder.json
}

# The provider takes whomever a policy bounds for one it is attached to: no boundary's policy.
resource "aws_iam_policy_attachment" "shared" {
  name       = "shared"
  users      = [aws_iam_user.ann.name]
  groups     = [aws_iam_group.writers.name]
  roles      = var.changed ? [] : [aws_iam_role.chained.name]
  policy_arn = aws_iam_policy.shared.arn
}

resource "aws_iam_role" "chained" {
  name_prefix           = "tf-chained"
  description           = var.changed ? "new" : "old"
  max_session_duration  = var.changed ? 3600 : 43200
  permissions_boundary  = var.changed ? null : aws_iam_policy.tagged.arn
  force_detach_policies = true
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = [data.aws_caller_identity.me.account_id, aws_iam_user.ann.arn] }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = { Bool = { "aws:MultiFactorAuthPresent" = true } }
    }]
  })
}

resource "aws_iam_role_policy" "prefixed" {
  name_prefix = "tf"
  role        = aws_iam_role.chained.name
  policy      = data.aws_iam_policy_document.own_folder.json
}

resource "aws_iam_role_policies_exclusive" "chained" {
  role_name    = aws_iam_role.chained.name
  policy_names = [aws_iam_role_policy.prefixed.name]
}

resource "aws_iam_instance_profile" "bare" {
  name_prefix = "tf-bare"
  tags        = { team = var.changed ? "b" : "a" }
}

resource "aws_iam_openid_connect_provider" "ci" {
  url             = "https://accounts.example.com/tf"
  client_id_list  = var.changed ? ["c", "b"] : ["a", "b"]
  thumbprint_list = var.changed ? ["c784713d6f9cb67b55dd84f4e4af7832d42b8f55"] : ["cf23df2207d99a74fbe169e3eba035e633b65d94"]
  tags            = { team = var.changed ? "b" : "a" }
}

resource "aws_iam_service_linked_role" "beanstalk" {
  aws_service_name = "elasticbeanstalk.amazonaws.com"
  description      = var.changed ? "new" : "old"
  tags             = { team = var.changed ? "b" : "a" }
}

resource "aws_iam_service_linked_role" "suffixed" {
  aws_service_name = "autoscaling.amazonaws.com"
  custom_suffix    = "tf"
}

data "aws_iam_policy_document" "own_folder" {
  statement {
    sid       = "OwnFolder"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:aws:s3:::tf-shared/$${aws:username}/*"]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["", "home/&{aws:username}/"]
    }
  }
}

data "aws_iam_policy" "administrator" { name = "AdministratorAccess" }

data "aws_iam_role" "chained" { name = aws_iam_role.chained.name }

data "aws_iam_user" "bob" { user_name = aws_iam_user.bob.name }

data "aws_iam_group" "writers" {
  group_name = aws_iam_group.writers.name
  depends_on = [aws_iam_group_membership.writers]
}

data "aws_iam_openid_connect_provider" "ci" { arn = aws_iam_openid_connect_provider.ci.arn }

data "aws_iam_session_context" "me" { arn = data.aws_caller_identity.me.arn }

data "aws_iam_principal_policy_simulation" "ann" {
  action_names      = ["iam:CreateUser"]
  policy_source_arn = aws_iam_user.ann.arn
}

# A public key of 2048 bits, made for this.
locals {
  public_key = "AAAAB3NzaC1yc2EAAAADAQABAAABAQDIqecz+uVuzqEm69dfRw5NM6EzsCO5AzQYCHn4x3hDAWH4O8HzNwJ3qe3IXmuB9VGBUIRIjcpLLxvRU+ViqXRM1NduYdfqbYcNwuM9qWh+UPHrf9cxh/Xe68bEMzxSB1wsSH82vDuiCVvlhfAKvGZ51q5RKhtmCX4zVOSPvoCX/CdNRRY4R+QcWvTor9xjOfkdLyCsN1AAxRCXMSiswRAsgT7kul+wGUwtFKQC8hQHekzvkiokyXpPHE+kqPt2XQ3nTQvHOW43oGKaxJH8qxzQRE+vrSJy25F4U7NCu9orPm+qqQ3InDd9rcNL4S/7dHbP7Lm/2eaHn7omFTkD6CXd"
}
