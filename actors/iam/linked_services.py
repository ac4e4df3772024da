"""Which service-linked roles AWS's services have: their names, and AWS's policy that each holds.

Pure data. Sources: each service's page behind
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html; what LocalStack, whose
tests run against AWS, recorded of them.
"""

from typing import NamedTuple


class Linked(NamedTuple):
    """Behind AWSServiceRoleFor, and below aws-service-role/ of AWS's policies ("": it is no longer published)."""

    name: str
    policy: str


# By what stands before .amazonaws.com.
LINKED = {
    "accountdiscovery.ssm": Linked("AmazonSSM_AccountDiscovery", "AWSSystemsManagerAccountDiscoveryServicePolicy"),
    "acm": Linked("CertificateManager", "CertificateManagerServiceRolePolicy"),
    "appmesh": Linked("AppMesh", "AWSAppMeshServiceRolePolicy"),
    "autoscaling": Linked("AutoScaling", "AutoScalingServiceRolePolicy"),
    "autoscaling-plans": Linked("AutoScalingPlans_EC2AutoScaling", "AWSAutoScalingPlansEC2AutoScalingPolicy"),
    "backup": Linked("Backup", "AWSBackupServiceLinkedRolePolicyForBackup"),
    "batch": Linked("Batch", "BatchServiceRolePolicy"),
    "cks.kms": Linked("KeyManagementServiceCustomKeyStores", "AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy"),
    "cloudtrail": Linked("CloudTrail", "CloudTrailServiceRolePolicy"),
    "codestar-notifications": Linked("CodeStarNotifications", "AWSCodeStarNotificationsServiceRolePolicy"),
    "config": Linked("Config", "AWSConfigServiceRolePolicy"),
    "connect": Linked("AmazonConnect", "AmazonConnectServiceLinkedRolePolicy"),
    "dms": Linked("DMSServerless", "AWSDMSServerlessServiceRolePolicy"),
    "dms-fleet-advisor": Linked("DMSFleetAdvisor", "AWSDMSFleetAdvisorServiceRolePolicy"),
    "docdb-elastic": Linked("DocDB-Elastic", "AmazonDocDB-ElasticServiceRolePolicy"),
    "ec2-instance-connect": Linked("Ec2InstanceConnect", "Ec2InstanceConnectEndpoint"),
    "ecr": Linked("ECRTemplate", "ECRTemplateServiceRolePolicy"),
    "ecs": Linked("ECS", "AmazonECSServiceRolePolicy"),
    "eks": Linked("AmazonEKS", "AmazonEKSServiceRolePolicy"),
    "eks-connector": Linked("AmazonEKSConnector", "AmazonEKSConnectorServiceRolePolicy"),
    "eks-fargate": Linked("AmazonEKSForFargate", "AmazonEKSForFargateServiceRolePolicy"),
    "eks-nodegroup": Linked("AmazonEKSNodegroup", "AWSServiceRoleForAmazonEKSNodegroup"),
    "elasticache": Linked("ElastiCache", "ElastiCacheServiceRolePolicy"),
    "elasticbeanstalk": Linked("ElasticBeanstalk", "AWSElasticBeanstalkServiceRolePolicy"),
    "elasticfilesystem": Linked("AmazonElasticFileSystem", "AmazonElasticFileSystemServiceRolePolicy"),
    "elasticloadbalancing": Linked("ElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy"),
    "email.cognito-idp": Linked("AmazonCognitoIdpEmailService", "AmazonCognitoIdpEmailServiceRolePolicy"),
    "emr-containers": Linked("AmazonEMRContainers", "AmazonEMRContainersServiceRolePolicy"),
    "emrwal": Linked("EMRWAL", "EMRDescribeClusterPolicyForEMRWAL"),
    "fis": Linked("FIS", "AmazonFISServiceRolePolicy"),
    "grafana": Linked("AmazonGrafana", "AmazonGrafanaServiceLinkedRolePolicy"),
    "imagebuilder": Linked("ImageBuilder", "AWSServiceRoleForImageBuilder"),
    "iotmanagedintegrations": Linked("IoTManagedIntegrations", "AWSIoTManagedIntegrationsRolePolicy"),
    "kafka": Linked("Kafka", "KafkaServiceRolePolicy"),
    "kafkaconnect": Linked("KafkaConnect", "KafkaConnectServiceRolePolicy"),
    "lakeformation": Linked("LakeFormationDataAccess", "LakeFormationDataAccessServiceRolePolicy"),
    "lambda": Linked("Lambda", "AWSLambdaServiceRolePolicy"),
    "lex": Linked("LexBots", ""),
    "lexv2": Linked("LexV2Bots", "AmazonLexV2BotPolicy"),
    "lightsail": Linked("Lightsail", "LightsailExportAccess"),
    "m2": Linked("AWSM2", "AWSM2ServicePolicy"),
    "memorydb": Linked("MemoryDB", "MemoryDBServiceRolePolicy"),
    "mq": Linked("AmazonMQ", "AmazonMQServiceRolePolicy"),
    "mrk.kms": Linked("KeyManagementServiceMultiRegionKeys", "AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy"),
    "notifications": Linked("AwsUserNotifications", "AWSUserNotificationsServiceLinkedRolePolicy"),
    "observability.aoss": Linked("AmazonOpenSearchServerless", "AmazonOpenSearchServerlessServiceRolePolicy"),
    "opensearchservice": Linked("AmazonOpenSearchService", "AmazonOpenSearchServiceRolePolicy"),
    "ops.apigateway": Linked("APIGateway", "APIGatewayServiceRolePolicy"),
    "ops.emr-serverless": Linked("AmazonEMRServerless", "AmazonEMRServerlessServiceRolePolicy"),
    "opsdatasync.ssm": Linked("SystemsManagerOpsDataSync", "AWSSystemsManagerOpsDataSyncServiceRolePolicy"),
    "opsinsights.ssm": Linked("AmazonSSM_OpsInsights", "AWSSSMOpsInsightsServiceRolePolicy"),
    "organizations": Linked("Organizations", "AWSOrganizationsServiceTrustPolicy"),
    "pullthroughcache.ecr": Linked("ECRPullThroughCache", "AWSECRPullThroughCache_ServiceRolePolicy"),
    "ram": Linked("ResourceAccessManager", "AWSResourceAccessManagerServiceRolePolicy"),
    "rds": Linked("RDS", "AmazonRDSServiceRolePolicy"),
    "redshift": Linked("Redshift", "AmazonRedshiftServiceLinkedRolePolicy"),
    "replication.cassandra": Linked("KeyspacesReplication", "KeyspacesReplicationServiceRolePolicy"),
    "replication.dynamodb": Linked("DynamoDBReplication", "DynamoDBReplicationServiceRolePolicy"),
    "replication.ecr": Linked("ECRReplication", "ECRReplicationServiceRolePolicy"),
    "repository.sync.codeconnections": Linked("GitSync", "AWSGitSyncServiceRolePolicy"),
    "resource-explorer-2": Linked("ResourceExplorer", "AWSResourceExplorerServiceRolePolicy"),
    "rolesanywhere": Linked("RolesAnywhere", "AWSRolesAnywhereServicePolicy"),
    "s3-outposts": Linked("S3OnOutposts", "AWSS3OnOutpostsServiceRolePolicy"),
    "ses": Linked("AmazonSES", "AmazonSESServiceRolePolicy"),
    "shield": Linked("AWSShield", "AWSShieldServiceRolePolicy"),
    "spot": Linked("EC2Spot", "AWSEC2SpotServiceRolePolicy"),
    "ssm": Linked("AmazonSSM", "AmazonSSMServiceRolePolicy"),
    "ssm-incidents": Linked("IncidentManager", "AWSIncidentManagerServiceRolePolicy"),
    "ssm-quicksetup": Linked("SSMQuickSetup", "SSMQuickSetupRolePolicy"),
    "sso": Linked("SSO", "AWSSSOServiceRolePolicy"),
    "support": Linked("Support", "AWSSupportServiceRolePolicy"),
    "vpcorigin.cloudfront": Linked("CloudFrontVPCOrigin", "AWSCloudFrontVPCOriginServiceRolePolicy"),
    "waf": Linked("WAFLogging", "WAFLoggingServiceRolePolicy"),
    "wafv2": Linked("WAFV2Logging", "WAFV2LoggingServiceRolePolicy"),
}
SUFFIXED = frozenset({"autoscaling", "connect", "lexv2"})     # of those above: an account may have several

# What application auto scaling scales, by the first part of its principals.
_SCALED = {
    "appstream": "AppStreamFleet", "cassandra": "CassandraTable", "comprehend": "ComprehendEndpoint",
    "dynamodb": "DynamoDBTable", "ec2": "EC2SpotFleetRequest", "ecs": "ECSService",
    "elasticache": "ElastiCacheRG", "elasticmapreduce": "EMRInstanceGroup",
    "kafka": "KafkaCluster", "lambda": "LambdaConcurrency", "neptune": "NeptuneCluster", "rds": "RDSCluster",
    "sagemaker": "SageMakerEndpoint", "workspaces": "WorkSpacesPool",
}
LINKED |= {
    f"{service}.application-autoscaling":
        Linked(f"ApplicationAutoScaling_{what}", f"AWSApplicationAutoscaling{what}Policy")
    for service, what in _SCALED.items()
}
LINKED["custom-resource.application-autoscaling"] = Linked(
    "ApplicationAutoScaling_CustomResource", "AWSApplicationAutoScalingCustomResourcePolicy")
