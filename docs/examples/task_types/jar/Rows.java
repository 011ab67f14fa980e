// What rows.jar holds. Built with a JDK: javac --release 17 -cp "<pyspark>/jars/*" -d out Rows.java,
// then jar --create --file rows.jar --main-class examples.Rows -C out .
package examples;

import org.apache.spark.sql.SparkSession;

public class Rows {
    public static void main(String[] arguments) throws Exception {
        String table = arguments[0];
        long rows = Long.parseLong(arguments[1]);
        SparkSession spark = SparkSession.builder().getOrCreate();
        spark.sql("CREATE NAMESPACE IF NOT EXISTS examples");
        spark.range(rows).writeTo(table).createOrReplace();
        System.out.println(table + " has " + spark.table(table).count() + " rows");
    }
}
